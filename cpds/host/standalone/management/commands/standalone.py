"""``manage.py standalone``: CPDS on this machine, from nothing but pip packages."""

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cpds.host.standalone import options
from cpds.host.standalone.errors import CannotGoOn
from cpds.host.standalone.session import run
from cpds.host.standalone.state import make_private
from workers_app.checks import refuse_what_cannot_work


class Command(BaseCommand):
    """Start everything, supervise it, stop it."""

    help = (
        "Start broker, worker, beat and web server on this machine and keep them running until Ctrl-C, "
        "or, with --auto-shutdown, until nothing is left to do."
    )

    # Django's own checks import every page of the web server; what cannot work is refused below.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Describe the command line."""
        self._parser = parser
        options.add_arguments(parser)

    def run_from_argv(self, argv: list[str]) -> None:
        """Make sure of the state directory and of the settings; then run.

        ``manage.py`` reads ``--state-dir`` before the settings. Where it did not (an abbreviated option),
        this starts again with ``CPDS_STATE_DIR`` set.
        """
        self._called_from_command_line = True  # so that the parser answers with usage and exit code 2
        parser = self.create_parser(argv[0], argv[1])
        chosen = _resolved(parser.parse_args(argv[2:]).state_dir)
        if chosen is not None:
            try:
                make_private(chosen)
            except CannotGoOn as error:
                sys.stderr.write(f"{error}\n")
                sys.exit(error.exit_code)
        if chosen is not None and chosen != _resolved(settings.CPDS["state_dir"]):
            again = [sys.executable, *sys.orig_argv[1:]]
            os.execve(sys.executable, again, {**os.environ, "CPDS_STATE_DIR": str(chosen)})  # noqa: S606
        # This imports the user's modules, which may print; stdout may have to hold one document.
        with contextlib.redirect_stdout(sys.stderr):
            refuse_what_cannot_work()
        super().run_from_argv(argv)

    def handle(self, *_: str, **given: Any) -> None:
        """Run, and exit with the session's code."""
        chosen = _resolved(given["state_dir"])
        if chosen is not None and chosen != _resolved(settings.CPDS["state_dir"]):
            raise CommandError(
                "Called from Python, this command takes its state directory from CPDS_STATE_DIR."
            )
        sys.exit(run(options.from_arguments(self._parser, given)))


def _resolved(directory: object) -> Path | None:
    return Path(str(directory)).expanduser().resolve() if directory else None
