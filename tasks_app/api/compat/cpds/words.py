"""The words of ``/api`` without a version: what its clients call states, priorities and times."""

import re
from typing import Final, get_args

from tasks_app.planning.definition.spec_types import PRIORITIES
from tasks_app.status_words import CompatTaskStatus, task_words

COMPLETED: Final = "completed"
FAILED: Final = "failed"
STATUSES: Final[tuple[CompatTaskStatus, ...]] = get_args(CompatTaskStatus)
WORDS: Final = ("low", "medium", "high")
HIGHEST: Final = 9
WHOLE: Final = 100
"""A progress of all, in per cent."""

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,99}\Z")


def status_word(*, status: str, satisfies: bool | None = None) -> CompatTaskStatus:
    """Return what a state is called here; a task that was not needed is as good as completed."""
    return task_words(status, satisfies=satisfies).compat


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
