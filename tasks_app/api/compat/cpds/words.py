"""The words of ``/api`` without a version: what its clients call states, priorities and times."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from tasks_app.planning.definition.spec_types import PRIORITIES
from tasks_app.services.queries import moment
from tasks_app.states import TaskState

PENDING: Final = "pending"
IN_PROGRESS: Final = "in_progress"
COMPLETED: Final = "completed"
FAILED: Final = "failed"
STATUSES: Final = (PENDING, IN_PROGRESS, COMPLETED, FAILED)
WORDS: Final = ("low", "medium", "high")
HIGHEST: Final = 9
WHOLE: Final = 100
"""A progress of all, in per cent."""

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,99}\Z")
_STATUS_OF: Final[Mapping[str, str]] = {
    TaskState.PENDING: PENDING,
    TaskState.QUEUED: PENDING,
    TaskState.WAITING: PENDING,
    TaskState.RUNNING: IN_PROGRESS,
    TaskState.COMPLETED: COMPLETED,
    TaskState.COMPENSATING: COMPLETED,
    TaskState.COMPENSATED: COMPLETED,
    TaskState.FAILED: FAILED,
    TaskState.CANCELLED: FAILED,
    TaskState.SKIPPED: FAILED,
}


def status_word(*, status: str, satisfies: bool | None = None) -> str:
    """Return what a state is called here; a task that was not needed is as good as completed."""
    return COMPLETED if status == TaskState.SKIPPED and satisfies else _STATUS_OF[status]


def priority_word(priority: int) -> str:
    """Return low, medium or high."""
    if priority >= PRIORITIES["high"]:
        return "high"
    return "medium" if priority > PRIORITIES["low"] else "low"


def priority_given(value: str | int) -> str | int:
    """Return a priority as tasks have it: a word in any case, or a number (also as text), at most 9."""
    if isinstance(value, str):
        word = value.strip().lower()
        if not _NUMBER.match(word):
            return word
        value = int(word)
    return max(0, min(value, HIGHEST))


def per_cent(fraction: float | None) -> int:
    """Return a progress as a whole number of per cent."""
    return round((fraction or 0.0) * WHOLE)


def when(at: datetime | None) -> str | None:
    """Return a time as RFC 3339, or None."""
    return moment(at=at)
