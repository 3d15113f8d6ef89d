"""Listeners for people."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from tasks_app.cli.text import table
from tasks_app.cli.times import shown_time
from tasks_app.services.listeners.operations import FailedDeliveryView, ListenerView


def listener_table(rows: Sequence[ListenerView], *, width: int) -> Iterator[Text]:
    """Yield the table of listeners; the numbers are those of instances."""
    headings = ("LISTENER", "STATE", "WAITING", "FAILING", "PARKED", "EVENTS", "LAST_ERROR")
    cells = [
        (
            row.name,
            _state(row),
            str(row.waiting),
            str(row.failing),
            str(row.parked),
            ", ".join(row.events) or "-",
            row.last_error or "",
        )
        for row in rows
    ]
    return table(headings, cells, width=width)


def failure_table(rows: Sequence[FailedDeliveryView], *, width: int) -> Iterator[Text]:
    """Yield the table of what a listener fails to hear."""
    headings = ("INSTANCE", "WORKFLOW", "EVENT", "TASK", "FAILURES", "NEXT_TRY", "LAST_ERROR")
    cells = [
        (
            row.instance_id,
            row.workflow_name,
            row.kind or "-",
            row.task or "-",
            str(row.failures),
            "parked" if row.parked else shown_time(row.next_try_at),
            row.last_error,
        )
        for row in rows
    ]
    return table(headings, cells, width=width)


def _state(row: ListenerView) -> Text:
    if not row.configured:
        return Text("not in the settings", style="dim")
    if row.parked:
        return Text("parked", style="red")
    return Text("failing", style="yellow") if row.failing else Text("listening", style="green")
