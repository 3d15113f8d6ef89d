"""What holds tasks, and their attempts, for people: a line for each."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.text import Text

from tasks_app.cli.text import Cell, plain, table
from tasks_app.cli.times import NOTHING, shown_span, shown_time
from tasks_app.cli.words import instance_word, symbol, task_word
from tasks_app.services.queries.views.instances import WhyView
from tasks_app.services.queries.views.tasks import HoldView, RecordsView, RecordView, TaskWhyView


def task_hold_lines(answer: TaskWhyView) -> Iterator[str | Text]:
    """Yield where a task stands and what holds it."""
    heading = Text(f"{symbol(answer.status)} {plain(answer.name)} of {answer.instance_id}: ")
    yield heading.append_text(task_word(answer.status))
    if answer.holds:
        yield from _holds(answer.holds)
    else:
        yield f"  Nothing holds it: it ended at {shown_time(answer.finished_at)}."


def instance_hold_lines(answer: WhyView) -> Iterator[str | Text]:
    """Yield where an instance stands, what holds it, and what holds its foremost tasks."""
    yield Text(f"{answer.id}: ").append_text(instance_word(answer.status))
    if not answer.holds and not answer.tasks:
        yield f"  Nothing holds it: it ended at {shown_time(answer.finished_at)}."
        if answer.error_message:
            yield Text(f"  {plain(answer.error_message)}", style="red")
    yield from _holds(answer.holds)
    # What holds the whole instance is said once, not for each of its tasks.
    whole = [each.sentence for each in answer.holds]
    for task in answer.tasks:
        yield f"{symbol(task.status)} {plain(task.name)}"
        yield from _holds([each for each in task.holds if each.sentence not in whole])


def record_lines(answer: RecordsView, *, now: datetime, width: int) -> Iterator[str | Text]:
    """Yield the attempts at a task as a table."""
    yield f"{plain(answer.name)} of {answer.instance_id}"
    headings = ("ATTEMPT", "STATUS", "STARTED_AT", "DURATION", "WORKER", "TOKENS", "COST", "ERROR")
    yield from table(headings, [_record(each, now) for each in answer.records], width=width)


def _record(record: RecordView, now: datetime) -> Sequence[Cell]:
    error = record.error
    tokens, cost = record.tokens, record.cost_usd
    return (
        str(record.attempt),
        record.status,
        shown_time(record.started_at),
        shown_span(record, now=now, precise=True),
        record.worker,
        NOTHING if tokens is None else f"{tokens:,}",
        NOTHING if cost is None else f"${cost:.6f}".rstrip("0").rstrip("."),
        f"{error.kind}: {error.message}" if error else "",
    )


def _holds(holds: Sequence[HoldView]) -> Iterator[str]:
    # Never cut: the end of such a line says until when.
    wide = max((len(each.kind) for each in holds), default=0)
    for each in holds:
        yield f"  {each.kind:<{wide}}  {plain(_told(each))}"


def _told(hold: HoldView) -> str:
    since = f" since {shown_time(hold.since)}" if hold.since else ""
    until = f" until {shown_time(hold.until)}" if hold.until else " until unknown"
    return f"{hold.sentence};{since}{until}"
