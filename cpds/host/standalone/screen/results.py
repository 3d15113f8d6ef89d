"""The table of results of one instance."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.text import Text

from tasks_app.cli.text import Cell, plain, table
from tasks_app.cli.times import shown_span
from tasks_app.cli.words import STYLES

if TYPE_CHECKING:
    from tasks_app.services.queries.views.instances import InstanceStatusView, TaskStatusView

SHOWN_TASKS = 200
HEADINGS = ("task", "status", "executor", "attempts", "duration", "tokens", "cost", "error")
NUMBERS = frozenset({"attempts", "duration", "tokens", "cost"})


def status_text(status: str) -> Text:
    """Return a status in its colour."""
    return Text(status, style=STYLES.get(status, ""))


def results(document: "InstanceStatusView", *, now: datetime, width: int) -> Iterator[Text]:
    """Yield the lines for an instance's final state (the document of ``instance status --json``)."""
    tasks = document.tasks
    shown = tasks if len(tasks) <= SHOWN_TASKS else [each for each in tasks if each.status != "completed"]
    rows = [_row(each, now) for each in shown[:SHOWN_TASKS]]
    headings, rows = _numbers_to_the_right(HEADINGS, rows)
    yield from table(headings, rows, width=width)
    yield Text()
    yield from _summary(document, hidden=len(tasks) - len(rows))


def _row(task: "TaskStatusView", now: datetime) -> list[Cell]:
    return [
        plain(task.name),
        status_text(task.status),
        plain(task.executor) + (" (simulated)" if task.simulated else ""),
        str(task.attempts),
        shown_span(task, now=now, precise=True),
        "" if task.tokens is None else f"{task.tokens:,}",
        "" if task.cost_usd is None else f"${task.cost_usd:.4f}",
        plain(task.error.message) if task.error else "",
    ]


def _numbers_to_the_right(
    headings: Sequence[str], rows: list[list[Cell]]
) -> tuple[list[str], list[list[Cell]]]:
    padded = list(headings)
    for column, heading in enumerate(headings):
        if heading in NUMBERS:
            wide = max(len(heading), *(len(row[column]) for row in rows)) if rows else len(heading)
            padded[column] = heading.rjust(wide)
            for row in rows:
                # A text that is ready: of any other the spaces at the start are taken away.
                row[column] = Text(str(row[column]).rjust(wide))
    return padded, rows


def _summary(document: "InstanceStatusView", *, hidden: int) -> Iterator[Text]:
    progress = document.progress
    yield Text.assemble(
        f"{document.id}  {plain(document.workflow_name)}  ",
        status_text(document.status),
        f"  {progress.completed} of {progress.total} tasks completed",
    )
    if hidden:
        yield Text(f"{hidden} more tasks are not listed; see: manage.py instance status {document.id}")
    if document.error_message:
        yield Text(plain(document.error_message), style="red")
