"""The live view on a terminal: a progress bar per instance and a line per running task."""

from datetime import datetime
from typing import TYPE_CHECKING, TextIO

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cpds.base.clock import now
from cpds.base.durations import format_duration
from cpds.host.standalone.screen.presenting import Presenter
from cpds.host.standalone.screen.results import status_text
from cpds.host.standalone.screen.watch import Snapshot
from tasks_app.cli.text import plain

if TYPE_CHECKING:
    from tasks_app.services.queries.views.instances import (
        InstanceStatusView,
        OverviewInstanceView,
        OverviewTaskView,
        OverviewView,
    )

SHOWN_INSTANCES = 8
SHOWN_TASKS = 16
BAR_WIDTH = 30


class LiveView(Presenter):
    """Redraws in place while something runs; what is announced or reported stays above it."""

    wants_overview = True

    def __init__(self, out: TextIO, *, rehearsal: bool) -> None:
        super().__init__(out)
        self._rehearsal = rehearsal
        # No thread of its own draws: the supervisor's turns are frequent enough.
        self._live = Live(console=self.console, auto_refresh=False, transient=True)
        self._live.start()

    def show(self, look: Snapshot) -> None:
        """Draw the moment."""
        self._live.update(picture(look.overview, at=now(), rehearsal=self._rehearsal), refresh=True)

    def report(self, document: "InstanceStatusView") -> None:
        """Print the table above the live part."""
        self._live.update(Text(), refresh=True)
        super().report(document)

    def close(self) -> None:
        """Take the live part away."""
        self._live.update(Text(), refresh=True)
        self._live.stop()


def picture(overview: "OverviewView | None", *, at: datetime, rehearsal: bool) -> RenderableType:
    """Return what the live view shows of an overview of running instances and tasks."""
    instances = overview.instances if overview is not None else []
    tasks = overview.tasks if overview is not None else []
    parts: list[RenderableType] = []
    if instances:
        parts.append(_bars(instances[:SHOWN_INSTANCES]))
        parts.extend(_left_out(len(instances) - SHOWN_INSTANCES, "instances"))
    if tasks:
        parts.append(_lines(tasks[:SHOWN_TASKS], at=at, rehearsal=rehearsal))
        parts.extend(_left_out(len(tasks) - SHOWN_TASKS, "running tasks"))
    # Something of no height would push the terminal on by a line at every turn.
    return Group(*parts) if parts else Text()


def _bars(instances: "list[OverviewInstanceView]") -> Table:
    grid = Table.grid(padding=(0, 2))
    for each in instances:
        progress = each.progress
        grid.add_row(
            Text(plain(each.workflow_name or "tasks"), style="bold"),
            Text(each.id, style="dim"),
            ProgressBar(total=max(progress.total, 1), completed=progress.completed, width=BAR_WIDTH),
            Text(f"{progress.completed}/{progress.total}"),
            status_text(each.status),
            Text(f"{progress.failed} failed" if progress.failed else "", style="red"),
        )
    return grid


def _lines(tasks: "list[OverviewTaskView]", *, at: datetime, rehearsal: bool) -> Table:
    grid = Table.grid(padding=(0, 2))
    for each in tasks:
        simulated = " (simulated)" if rehearsal and each.executor == "claude" else ""
        share = f"{each.progress:.0%}" if each.progress else ""
        grid.add_row(
            Text("  ▸", style="cyan"),
            Text(plain(each.name)),
            Text(plain(each.executor) + simulated, style="dim"),
            Text(_elapsed(each.started_at, at=at), justify="right"),
            Text(share),
            Text(plain(each.message or ""), style="dim", overflow="ellipsis", no_wrap=True),
        )
    return grid


def _elapsed(started_at: datetime | None, *, at: datetime) -> str:
    if started_at is None:
        return ""
    return format_duration(int((at - started_at).total_seconds()), precise=True)


def _left_out(count: int, what: str) -> list[Text]:
    return [Text(f"  … and {count} more {what}", style="dim")] if count > 0 else []
