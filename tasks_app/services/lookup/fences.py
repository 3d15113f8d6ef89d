"""Fences: what every word about an attempt shows."""

from typing import Final, NamedTuple

from tasks_app.errors import StaleDispatch
from tasks_app.models import Task
from tasks_app.models.task import TaskQuerySet
from tasks_app.services.lookup.by_name import LONGEST_KEY

DISPATCH_CHARACTERS: Final = 24


class Fence(NamedTuple):
    """A task and the dispatch under which it was claimed: who shows another one does not hold the task."""

    task_id: int
    dispatch_id: str

    @classmethod
    def read(cls, token: str) -> "Fence | None":
        """Return the fence that a worker shows as a token; None when it is none."""
        number, dot, dispatch_id = token.partition(".")
        is_number = number.isascii() and number.isdecimal() and len(number) <= LONGEST_KEY
        is_dispatch = (
            dispatch_id.isascii() and dispatch_id.isalnum() and len(dispatch_id) == DISPATCH_CHARACTERS
        )
        return cls(int(number), dispatch_id) if dot and is_number and is_dispatch else None

    @property
    def token(self) -> str:
        """The fence as one word, for a worker that refers to its claim by that."""
        return f"{self.task_id}.{self.dispatch_id}"

    def held(self) -> TaskQuerySet:
        """Return the task's row, or none when it does not run under this dispatch (any more)."""
        return Task.objects.held(task_id=self.task_id, dispatch_id=self.dispatch_id)

    def stale(self) -> StaleDispatch:
        """Return what to raise when nothing is held under it."""
        return StaleDispatch(task_id=self.task_id, dispatch_id=self.dispatch_id)
