"""What the endpoints of tasks show beside the tasks themselves."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from cpds.base.view import Count, View
from tasks_app.services.queries.views.tasks import TaskView
from tasks_app.services.submit.loose import Created


class NewTaskView(View):
    """What was created; of many, ``task_id`` is the first."""

    task_id: str
    task_ids: list[str]
    instance_id: str
    count: Annotated[int, Meta(ge=1)]


class TasksPageView(View):
    """A page of tasks; ``count`` with ``projectId`` only."""

    items: list[TaskView]
    next: str | None
    count: int | UnsetType = UNSET


class ControlledView(View):
    """What became of one task; ``refusal`` is empty when it was done."""

    task: str
    refusal: str


class TaskBulkView(View):
    """What became of all; ``more``: there are others, ask again."""

    dry_run: bool
    matched: Count
    done: Count
    more: bool
    tasks: list[ControlledView]


def new_task_view(made: Created) -> NewTaskView:
    """Return what is answered about tasks that were created."""
    return NewTaskView(
        task_id=made.task_ids[0],
        task_ids=list(made.task_ids),
        instance_id=made.instance_id,
        count=len(made.task_ids),
    )
