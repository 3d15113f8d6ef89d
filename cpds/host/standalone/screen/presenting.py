"""What the user sees: plain lines, one JSON document, or (``live_view``) a live view."""

import json
import sys
from typing import TYPE_CHECKING, TextIO

from cpds.base import clock
from cpds.base.view import plain
from cpds.host.standalone.screen.results import results
from cpds.host.standalone.screen.watch import Snapshot
from tasks_app.cli.output import console_on

if TYPE_CHECKING:
    from tasks_app.services.queries.views.instances import InstanceStatusView


class Presenter:
    """Plain lines: what a pipe or a log file gets."""

    wants_overview = False

    def __init__(self, out: TextIO) -> None:
        self.console = console_on(out, color=None)

    def announce(self, lines: list[str]) -> None:
        """Say how everything can be reached."""
        for line in lines:
            self.console.print(line, soft_wrap=True)

    def show(self, look: Snapshot) -> None:
        """Show what runs; called several times a second."""

    def report(self, document: "InstanceStatusView") -> None:
        """Show how what was executed ended."""
        for line in results(document, now=clock.now(), width=self.console.width):
            self.console.print(line, soft_wrap=True)

    def close(self) -> None:
        """Leave the terminal as it was."""


class JsonPresenter(Presenter):
    """Nothing but one document on stdout."""

    def announce(self, lines: list[str]) -> None:
        """Say nothing."""

    def report(self, document: "InstanceStatusView") -> None:
        """Print the document."""
        json.dump(document, self.console.file, indent=2, ensure_ascii=False, default=plain)
        self.console.file.write("\n")
        self.console.file.flush()


def say(text: str) -> None:
    """Write to stderr, as one or more lines."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
