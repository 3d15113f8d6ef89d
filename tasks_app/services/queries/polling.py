"""What programs ask of one instance again and again: has it changed, how far is it, its tasks."""

from typing import Any, Final

from django.db.models import Count, F, Max, QuerySet
from msgspec import UNSET, UnsetType
from msgspec.structs import asdict

from tasks_app.models import Event, Instance, Task
from tasks_app.services.queries.instances import instance_progress
from tasks_app.services.queries.views.instances import NamedProgressView
from tasks_app.states import TaskState

NAMED: Final = 500
"""So many names of running and of pending tasks are told."""
_RUNNING: Final = (TaskState.RUNNING, TaskState.COMPENSATING)
_PENDING: Final = (TaskState.PENDING, TaskState.QUEUED, TaskState.WAITING)


def change_mark(instance: Instance) -> tuple[int, int]:
    """Return what is another after anything has changed in an instance: how many events, and the newest.

    Whatever moves or is said writes an event in its transaction. Both numbers are needed:
    of two transactions, the one that wrote the newer event may have been seen first.
    """
    found = Event.objects.filter(instance=instance).aggregate(count=Count("pk"), newest=Max("pk"))
    return int(found["count"]), int(found["newest"] or 0)


def named_progress(instance: Instance) -> NamedProgressView:
    """Return the progress of an instance, with the names of up to 500 tasks that run and that do not yet."""
    tasks = Task.objects.filter(instance=instance, compensates__isnull=True).order_by("position", "pk")
    progress = instance_progress([instance.pk])[instance.pk]

    def named(count: int, states: tuple[TaskState, ...]) -> list[str] | UnsetType:
        names = tasks.filter(status__in=states).values_list("name", flat=True)
        return list(names[:NAMED]) if count else UNSET

    return NamedProgressView(
        **asdict(progress),
        running_task_ids=named(progress.running, _RUNNING),
        pending_task_ids=named(progress.pending, _PENDING),
    )


def tasks_of(*, instance: Instance, states: tuple[TaskState, ...] = ()) -> "QuerySet[Task]":
    """Return the tasks of an instance, in the order of its workflow; items follow one another by index."""
    rows: QuerySet[Task] = Task.objects.filter(instance=instance)
    if states:
        rows = rows.filter(status__in=sorted(states))
    in_order: tuple[Any, ...] = ("position", F("item_index").asc(nulls_first=True), "pk")
    return rows.defer("spec", "output", "description", "requires").order_by(*in_order)
