"""The rows that undo a task: one line of tasks, in reverse order of completion."""

from collections.abc import Sequence
from itertools import pairwise

from django.db.models import Max

from cpds.base import db
from tasks_app.models import Dependency, Event, Instance, Task
from tasks_app.planning.engine.compensation import undo_names, undo_spec
from tasks_app.states import TaskState

BATCH = 500


def newest_first(instance: Instance) -> list[Task]:
    """Return what is to be undone, newest first by the ledger, which no clock can turn around.

    What a rerun shares with its origin is left out: it is the origin's to undo.
    """
    completed: dict[int, int] = {}
    events = Event.objects.filter(instance=instance, kind=f"task.{TaskState.COMPLETED}").order_by("id")
    for pk, task_id, data in events.values_list("pk", "task_id", "data"):
        if "origin" not in data:
            completed.setdefault(task_id, pk)
    tasks = Task.objects.filter(
        instance=instance, status=TaskState.COMPLETED, compensates__isnull=True, spec__has_key="compensate"
    ).defer("output")
    return sorted(
        (task for task in tasks if task.pk in completed), key=lambda task: completed[task.pk], reverse=True
    )


@db.transaction_required
def create_undos(*, instance: Instance, done: Sequence[Task]) -> None:
    """Insert the undos of ``done`` as one line, in this order."""
    tasks = Task.objects.filter(instance=instance)
    last = tasks.aggregate(stage=Max("stage"), position=Max("position"))
    taken = set(tasks.values_list("name", flat=True))
    names = undo_names([task.name for task in done], taken=taken)
    length = len(done)
    rows = Task.objects.bulk_create(
        [
            Task(
                project_id=instance.project_id,
                instance=instance,
                compensates=task,
                name=name,
                position=last["position"] + 1 + place,
                description=task.description,
                executor=task.spec["compensate"]["run"],
                spec=undo_spec(task.spec),
                priority=task.priority,
                requires=task.requires,
                requirement=task.requirement,
                tags=task.tags,
                timeout_seconds=task.timeout_seconds,
                stage=last["stage"] + 1,
                stage_position=place,
                fan_in=min(place, 1),
                fan_out=0 if place == length - 1 else 1,
                rank=length - place,
            )
            for place, (task, name) in enumerate(zip(done, names, strict=True))
        ],
        batch_size=BATCH,
    )
    Dependency.objects.bulk_create(
        [Dependency(task=row, needed=before) for before, row in pairwise(rows)],
        batch_size=BATCH,
    )
