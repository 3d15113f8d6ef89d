"""``manage.py server start``: the web server in the foreground."""

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cpds.api.requests.exposure import check_exposure
from cpds.base.errors import CPDSError
from cpds.host.web.serve import serve
from cpds.host.web.server_file import ServerFile, read_server_file
from workers_app.checks import refuse_what_cannot_work


class Command(BaseCommand):
    """Serve HTTP until told to stop."""

    help = "Serve the admin, the API and the health checks until SIGTERM or Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        """Describe the command line."""
        start = parser.add_subparsers(dest="verb", required=True).add_parser(
            "start", help=self.help, description=self.help
        )
        start.add_argument("--host", help="address to listen on (127.0.0.1)")
        start.add_argument("--port", type=_port, help="its port (8848)")
        start.add_argument(
            "--config", type=Path, metavar="FILE", help="YAML file with server.host and server.port"
        )
        start.add_argument(
            "--grace",
            type=_seconds,
            default=5,
            metavar="SECONDS",
            help="how long open requests may take when it stops (%(default)s)",
        )
        start.add_argument(
            "--listening", type=int, metavar="FD", help="an open socket, in place of host and port"
        )

    def run_from_argv(self, argv: list[str]) -> None:
        """Refuse settings that cannot work before anything listens."""
        refuse_what_cannot_work()
        super().run_from_argv(argv)

    def handle(self, *_: str, **given: Any) -> None:
        """Serve; exit with code 0 when told to stop."""
        try:
            written = read_server_file(given["config"]) if given["config"] else ServerFile()
            for sentence in written.not_read:
                self.stderr.write(sentence)
            host = given["host"] or written.host
            port = written.port if given["port"] is None else given["port"]
            if given["listening"] is None:
                check_exposure(host)
            serve(host=host, port=port, listening=given["listening"], grace_seconds=given["grace"])
        except CPDSError as error:
            raise CommandError(str(error), returncode=2) from error


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= 65_535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port: expected 0 to 65535")


def _seconds(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= 3600:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds: expected 0 to 3600")
