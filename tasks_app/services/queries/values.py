"""The values that answers are made of: times, spans, progress."""

from collections.abc import Mapping
from datetime import datetime

from tasks_app.services.queries.views.instances import ProgressView
from tasks_app.states import TaskState

_COMPLETED = (TaskState.COMPLETED, TaskState.COMPENSATED)
# A task that a failure ruled out is no more done than one that was cancelled; see ``status_words.standing``.
_FAILED = (TaskState.FAILED, TaskState.CANCELLED, TaskState.SKIPPED)
_RUNNING = (TaskState.RUNNING, TaskState.COMPENSATING)


def moment_of(at: datetime) -> str:
    """Return a time as RFC 3339 in UTC with milliseconds."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(at: datetime | None) -> str | None:
    """Return the same of a time that may be none."""
    return moment_of(at) if at else None


def span_ms(*, start: datetime | None, end: datetime | None) -> int | None:
    """Return the milliseconds between two times, None unless both are known."""
    return round((end - start).total_seconds() * 1000) if start and end else None


def progress_of(counts: Mapping[str, int]) -> ProgressView:
    """Return the five numbers of an instance's progress from how many tasks stand in each state.

    ``completed``, ``running``, ``failed`` and ``pending`` add up to ``total``;
    ``failed`` is everything that ended without being done.
    """
    total = sum(counts.values())
    completed = sum(counts.get(state, 0) for state in _COMPLETED)
    running = sum(counts.get(state, 0) for state in _RUNNING)
    failed = sum(counts.get(state, 0) for state in _FAILED)
    return ProgressView(
        total=total,
        completed=completed,
        running=running,
        failed=failed,
        pending=total - completed - running - failed,
    )
