"""Settings, one module per mode, and the values an operator edits."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

MODES = ("standalone", "cloud")


def choose_settings() -> str:
    """Select the settings module and return its name.

    ``DJANGO_SETTINGS_MODULE`` wins; otherwise ``CPDS_MODE`` (``standalone``, the
    default, or ``cloud``) names a module of ``config.settings``.

    :raises SystemExit: with code 2, after one line on stderr, for any other mode.
    """
    if not os.environ.get("DJANGO_SETTINGS_MODULE"):
        mode = os.environ.get("CPDS_MODE") or "standalone"
        if mode not in MODES:
            sys.stderr.write(f"CPDS_MODE is {mode!r}; expected {' or '.join(MODES)}.\n")
            sys.exit(2)
        os.environ["DJANGO_SETTINGS_MODULE"] = f"config.settings.{mode}"
    return os.environ["DJANGO_SETTINGS_MODULE"]


def choose_state_directory(arguments: Sequence[str]) -> None:
    """Set ``CPDS_STATE_DIR`` to the directory that ``--state-dir`` names among these arguments, if it does.

    The settings are read before a command reads its arguments, and the database is one of them.
    """
    chosen: str | None = None
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == "--state-dir":
            chosen = value if equals else next(iter(arguments[place + 1 : place + 2]), None)
    if chosen:
        os.environ["CPDS_STATE_DIR"] = str(Path(chosen).expanduser().resolve())
