"""Control many tasks at once: choose them, then act on each in transactions of its own."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.db.models import Q, QuerySet

from tasks_app.errors import IllegalMove, RetryTheParent
from tasks_app.models import Task
from tasks_app.services.control.task_lists import Wanted, in_projects, wanted_tasks
from tasks_app.services.control.tasks import cancel_task, retry_task
from tasks_app.services.lookup.by_name import is_number
from tasks_app.states import TASK_UNSTARTED, TaskState

MOST: Final = 1_000
"""So many at a time; whoever wants more asks again."""


class TaskAct(StrEnum):
    """What may be done to many tasks."""

    CANCEL = "cancel"
    RETRY = "retry"


USUAL: Final = {
    TaskAct.CANCEL: frozenset({*TASK_UNSTARTED, TaskState.RUNNING}),
    TaskAct.RETRY: frozenset({TaskState.FAILED, TaskState.CANCELLED}),
}
"""The states an act is meant for when nobody names one."""


@dataclass(frozen=True, kw_only=True)
class Controlled:
    """What became of one task; ``refusal`` says why nothing was done to it."""

    task: str
    refusal: str = ""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The tasks that an act is for, oldest first, and whether there are more of them."""

    tasks: Sequence[Task]
    more: bool


def choose_tasks(
    *, act: TaskAct, wanted: Wanted, ids: Collection[str], projects: Collection[int] | None
) -> Chosen:
    """Return the tasks of these projects that are wanted, of those with these ids if there are any.

    Without a status: those that the act is meant for.

    :raises NotFound: when the instance named is not there.
    """
    rows: QuerySet[Task] = wanted_tasks(wanted=wanted, projects=projects)
    if not wanted.status:
        rows = rows.filter(status__in=sorted(USUAL[act]))
    if ids:
        rows = rows.filter(_named(ids, projects))
    found = list(rows.filter(compensates__isnull=True).select_related("instance").order_by("pk")[: MOST + 1])
    return Chosen(tasks=found[:MOST], more=len(found) > MOST)


def _named(ids: Collection[str], projects: Collection[int] | None) -> Q:
    """Return which tasks these ids name: by id, and by number only where no task has it for its id."""
    called = Q(task_id__in=sorted(set(ids)))
    taken = set(in_projects(projects).filter(called).values_list("task_id", flat=True))
    return called | Q(pk__in=[int(each) for each in ids if each not in taken and is_number(each)])


def control_tasks(*, act: TaskAct, tasks: Sequence[Task], by: str = "", reason: str = "") -> list[Controlled]:
    """Act on tasks one by one; one that moved meanwhile is refused by name and does not stop the others."""
    controlled: list[Controlled] = []
    retried: set[int] = set()
    for task in tasks:
        refusal = ""
        try:
            if act is TaskAct.CANCEL:
                cancel_task(task=task, by=by, reason=reason)
            elif task.pk not in retried:  # what was ruled out because of one is tried again with it
                retried.update(retry_task(task=task, by=by, reason=reason))
        except (IllegalMove, RetryTheParent) as error:
            refusal = str(error)
        controlled.append(Controlled(task=task.address, refusal=refusal))
    return controlled
