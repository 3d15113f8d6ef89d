"""What ``/api`` without a version says of tasks, in the words of its clients."""

from collections.abc import Collection
from typing import Final

from tasks_app.errors import NotFound, TaskNotFound
from tasks_app.models import Task
from tasks_app.services.lookup.by_name import find_task

NOT_FOUND: Final = "Task not found"
"""Word for word what the documents of these clients say."""


def known_task(*, given: str, projects: Collection[int] | None) -> Task:
    """Return a task of these projects (None: of all) by its id or number.

    :raises TaskNotFound: when there is none.
    """
    try:
        return find_task(given=given, projects=projects)
    except NotFound:
        raise TaskNotFound(told=NOT_FOUND) from None
