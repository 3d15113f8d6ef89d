"""The ids that tasks created on their own may be given: each has to be reached at an address of the API."""

from typing import Annotated, Final

from pydantic import AfterValidator

from tasks_app.planning.definition.spec_types import TaskName
from tasks_app.planning.source.problems import described

TAKEN_WORDS: Final = frozenset(
    {
        *("assign", "complete", "completed", "create", "pending", "progress", "running"),
        *("bulk", "schedule"),
        *(".", ".."),
    }
)
"""What is something else in the place of an id: under ``/api/tasks``, under ``/api/v1/tasks``, anywhere."""


def _task_id(given: str) -> str:
    if "/" in given:
        raise ValueError(f"expected an id without /, found {described(given)}")
    if given in TAKEN_WORDS:
        raise ValueError(f"expected an id that is no word of an address of its own, found {described(given)}")
    return given


TaskId = Annotated[TaskName, AfterValidator(_task_id)]
