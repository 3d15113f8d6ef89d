"""Wait for an instance to end, and show how far it is."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cpds.base import clock
from tasks_app.cli.errors import WaitInterrupted, WaitTimedOut
from tasks_app.cli.failures import database_failure
from tasks_app.cli.output import Output
from tasks_app.cli.text import plain
from tasks_app.cli.words import instance_word
from tasks_app.planning.values.durations import format_duration
from tasks_app.services import queries
from tasks_app.services.queries.views.instances import InstanceRowView
from tasks_app.states import INSTANCE_FINAL

T = TypeVar("T")
Show = Callable[[InstanceRowView], None]

LOOK_EVERY_SECONDS = 0.5
PATIENCE_SECONDS = 60.0
"""How long a database that stopped answering is waited for."""


def wait_for_end(out: Output, *, instance: str, timeout_seconds: float | None) -> InstanceRowView:
    """Return the summary of an instance once it has ended.

    ``instance`` is a whole id. The instance goes on whatever becomes of the waiting.

    :raises NotFound: when there is no such instance, or no longer.
    :raises WaitTimedOut: when it has not ended after ``timeout_seconds``.
    :raises WaitInterrupted: on Ctrl-C.
    """
    give_up_at = None if timeout_seconds is None else clock.monotonic() + timeout_seconds
    try:
        with _progress(out) as show:
            while True:
                summary = patiently(lambda: queries.instance_summary(given=instance))
                show(summary)
                if summary.status in INSTANCE_FINAL:
                    return summary
                left = None if give_up_at is None else give_up_at - clock.monotonic()
                if left is not None and left <= 0:
                    timeout = format_duration(timeout_seconds or 0, precise=True)
                    raise WaitTimedOut(instance=instance, status=summary.status, timeout=timeout)
                rest(LOOK_EVERY_SECONDS if left is None else min(left, LOOK_EVERY_SECONDS))
    except KeyboardInterrupt:
        raise WaitInterrupted(instance=instance) from None


def patiently(ask: Callable[[], T]) -> T:
    """Return what ``ask`` returns; a database that does not answer is asked again for a minute.

    Someone who waits for hours should not lose the wait to a restart of the database.
    """
    give_up_at = clock.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except (OperationalError, InterfaceError) as error:
            known = database_failure(error)
            if known is None or not known.retryable or clock.monotonic() >= give_up_at:
                raise
            connection.close()
            rest(LOOK_EVERY_SECONDS)


def rest(seconds: float) -> None:
    """Do nothing for a while."""
    time.sleep(seconds)


@contextmanager
def _progress(out: Output) -> Iterator[Show]:
    """Draw a bar on stderr, if that is a terminal and nobody asked for JSON."""
    if out.as_json or not out.notes.is_terminal:
        yield lambda _summary: None
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
        console=out.notes,
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=None, state="")

        def show(summary: InstanceRowView) -> None:
            progress = summary.progress
            state = instance_word(summary.status).plain
            failed = f", {progress.failed} failed" if progress.failed else ""
            bar.update(
                task,
                description=plain(summary.workflow_name),
                total=progress.total,
                completed=progress.completed,
                state=state + failed,
            )

        yield show
