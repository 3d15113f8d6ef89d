"""Settings, one module per mode, and the values an operator edits."""

import os
import sys

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
