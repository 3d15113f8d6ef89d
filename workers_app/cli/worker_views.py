"""Workers for people and for programs: the list, and one in full."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from msgspec.structs import asdict
from rich.text import Text

from cpds.base.view import JSONObject, Moment, View, one_of
from tasks_app.cli.text import plain, table
from tasks_app.cli.times import shown_time
from tasks_app.services.queries import moment
from workers_app.fleet.describe import DescribedWorker, WorkerStatus

STYLES: Final = {
    WorkerStatus.IDLE: "green",
    WorkerStatus.ONLINE: "green",
    WorkerStatus.BUSY: "cyan",
    WorkerStatus.DRAINING: "yellow",
    WorkerStatus.OFFLINE: "dim",
}


class WorkerRowView(View):
    """A worker as the commands print it."""

    id: str
    status: Annotated[str, one_of(WorkerStatus)]
    running: int
    name: str
    kind: str
    host: str
    pid: int | None
    platform: str
    version: str
    slots: int
    capabilities: list[str]
    labels: dict[str, str]
    tools: dict[str, str]
    queues: list[str]
    projects: list[str]
    cpu_percent: float | None
    memory_percent: float | None
    disk_percent: float | None
    tasks_completed: int
    metadata: JSONObject
    registered_at: Moment
    started_at: Moment
    heartbeat_at: Moment
    draining_at: Moment | None
    drain_requested_at: Moment | None
    stop_requested_at: Moment | None
    left_at: Moment | None


DERIVED: Final = {"id", "status", "running"}
"""What stands in no column of its name."""


def worker_row(described: DescribedWorker) -> WorkerRowView:
    """Return a worker as programs read it."""
    worker = described.worker
    columns = {name: getattr(worker, name) for name in WorkerRowView.__struct_fields__ if name not in DERIVED}
    shown: dict[str, Any] = {
        name: moment(value) if isinstance(value, datetime) else value for name, value in columns.items()
    }
    return WorkerRowView(
        id=worker.public_id, status=str(described.status), running=described.running, **shown
    )


def worker_table(rows: Sequence[WorkerRowView], *, width: int) -> Iterator[Text]:
    """Yield the table of workers."""
    headings = ("NAME", "STATUS", "TASKS", "DONE", "HEARD OF (UTC)", "CPU", "MEMORY", "CAPABILITIES")
    cells = [
        (
            row.name,
            Text(row.status, style=STYLES[WorkerStatus(row.status)]),
            f"{row.running}/{row.slots}",
            str(row.tasks_completed),
            shown_time(row.heartbeat_at),
            _percent(row.cpu_percent),
            _percent(row.memory_percent),
            ", ".join(row.capabilities),
        )
        for row in rows
    ]
    return table(headings, cells, width=width)


def worker_lines(row: WorkerRowView) -> Iterator[str]:
    """Yield a worker in full, a fact on a line."""
    for name, value in asdict(row).items():
        if value in (None, "", [], {}):
            continue
        shown = shown_time(value) + " UTC" if name.endswith("_at") else _shown(value)
        yield f"{name.replace('_', ' ') + ':':<20} {plain(shown)}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}".rstrip() for key, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}%"
