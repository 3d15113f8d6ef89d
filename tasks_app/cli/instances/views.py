"""Instances for people: lists, the state of one, its events."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.text import Text

from tasks_app.cli.text import Cell, aligned, plain, table
from tasks_app.cli.times import shown_span, shown_time
from tasks_app.cli.words import instance_word, symbol, task_word
from tasks_app.services.queries.views.events import EventView, LoggedEventView
from tasks_app.services.queries.views.instances import InstanceRowView, InstanceStatusView, TaskStatusView


def instance_table(rows: Sequence[InstanceRowView], *, now: datetime, width: int) -> Iterator[Text]:
    """Yield the table of instances of any workflow."""
    headings = ("INSTANCE_ID", "WORKFLOW", "STATUS", "STARTED_AT", "DURATION")
    cells = [(row.id, row.workflow_name or "-", *_course(row, now)) for row in rows]
    return table(headings, cells, width=width)


def history_table(
    rows: Sequence[InstanceRowView], *, now: datetime, width: int, with_errors: bool
) -> Iterator[Text]:
    """Yield the table of instances of one workflow; ``with_errors`` adds why each failed."""
    headings = ["INSTANCE_ID", "STATUS", "STARTED_AT", "DURATION", *(["ERROR"] if with_errors else [])]
    cells = [
        (row.id, *_course(row, now), *([row.error_message or ""] if with_errors else [])) for row in rows
    ]
    return table(headings, cells, width=width)


def _course(row: InstanceRowView, now: datetime) -> tuple[Cell, ...]:
    return instance_word(row.status), shown_time(row.started_at), shown_span(row, now=now)


def status_lines(status: InstanceStatusView, *, now: datetime, width: int) -> Iterator[str | Text]:
    """Yield the state of an instance with all its tasks."""
    progress = status.progress
    share = 100 * progress.completed // progress.total if progress.total else 100
    yield f"Instance: {status.id}"
    if status.workflow_name is not None:
        yield f"Workflow: {plain(status.workflow_name)} v{status.workflow_version}"
    yield Text("Status:   ").append_text(instance_word(status.status))
    yield f"Progress: {progress.completed}/{progress.total} ({share}%)"
    yield f"Started:  {shown_time(status.started_at)}"
    yield f"Duration: {shown_span(status, now=now)}"
    if status.error_message:
        yield Text(f"Error:    {plain(status.error_message)}", style="red")
    yield ""
    yield "Tasks:"
    yield from aligned((_task(task, now) for task in status.tasks), indent=2, width=width)


def _task(task: TaskStatusView, now: datetime) -> tuple[Cell, ...]:
    remarks = [
        "simulated" if task.simulated else "",
        f"{task.attempts} attempts" if task.attempts > 1 else "",
        plain(task.waiting.reason) if task.waiting else "",
        plain(task.error.message) if task.error and not task.waiting else "",
    ]
    return (
        symbol(task.status),
        task.name,
        task_word(task.status),
        shown_span(task, now=now, precise=True),
        ", ".join(filter(None, remarks)),
    )


def event_line(event: LoggedEventView | EventView) -> str:
    """Return an event as a line of the log."""
    task = f"{plain(event.task)}: " if event.task is not None else ""
    progress = event.data.get("progress")
    remarks = [
        f"{progress:.0%}" if isinstance(progress, int | float) else "",
        plain(event.message),
        f"(attempt {event.attempt})" if (event.attempt or 0) > 1 else "",
    ]
    said = " ".join(filter(None, remarks))
    line = f"{shown_time(event.happened_at)}  {event.kind:<18}  {task}{said}"
    return line.rstrip().removesuffix(":")
