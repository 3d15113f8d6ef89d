"""Workers for people and for programs: the list, and one in full."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from rich.text import Text

from tasks_app.cli.text import plain, table
from tasks_app.cli.times import shown_time
from tasks_app.services.queries import moment
from workers_app.fleet.describe import WorkerStatus, WorkerView

Row = dict[str, Any]
STYLES: Final = {
    WorkerStatus.IDLE: "green",
    WorkerStatus.ONLINE: "green",
    WorkerStatus.BUSY: "cyan",
    WorkerStatus.DRAINING: "yellow",
    WorkerStatus.OFFLINE: "dim",
}
TIMES: Final = (
    "registered_at",
    "started_at",
    "heartbeat_at",
    "draining_at",
    "drain_requested_at",
    "stop_requested_at",
    "left_at",
)
FACTS: Final = (
    "name",
    "kind",
    "host",
    "pid",
    "platform",
    "version",
    "slots",
    "capabilities",
    "labels",
    "tools",
    "queues",
    "projects",
    "cpu_percent",
    "memory_percent",
    "disk_percent",
    "tasks_completed",
    "metadata",
)


def worker_row(sighting: WorkerView) -> Row:
    """Return a worker as programs read it."""
    worker = sighting.worker
    return {
        "id": worker.public_id,
        "status": str(sighting.status),
        "running": sighting.running,
        **{name: getattr(worker, name) for name in FACTS},
        **{name: moment(at=getattr(worker, name)) for name in TIMES},
    }


def worker_table(rows: Sequence[Row], *, width: int) -> Iterator[Text]:
    """Yield the table of workers."""
    headings = ("NAME", "STATUS", "TASKS", "DONE", "HEARD OF (UTC)", "CPU", "MEMORY", "CAPABILITIES")
    cells = [
        (
            row["name"],
            Text(row["status"], style=STYLES[WorkerStatus(row["status"])]),
            f"{row['running']}/{row['slots']}",
            str(row["tasks_completed"]),
            shown_time(row["heartbeat_at"]),
            _percent(row["cpu_percent"]),
            _percent(row["memory_percent"]),
            ", ".join(row["capabilities"]),
        )
        for row in rows
    ]
    return table(headings, cells, width=width)


def worker_lines(row: Row) -> Iterator[str]:
    """Yield a worker in full, a fact on a line."""
    for name, value in row.items():
        if value in (None, "", [], {}):
            continue
        shown = shown_time(value) + " UTC" if name in TIMES else _shown(value)
        yield f"{name.replace('_', ' ') + ':':<20} {plain(shown)}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}".rstrip() for key, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}%"
