"""The installation at a glance: what is unfinished, what runs, what ended badly."""

from collections.abc import Collection, Sequence
from typing import Final

from django.db.models import Max

from cpds.base.statements import Statement
from cpds.base.view import Count, View
from tasks_app.models import Instance, Schedule, Task
from tasks_app.models.sql import FOLDER
from tasks_app.services.queries.instances import instance_progress
from tasks_app.services.queries.views.instances import OverviewInstanceView, OverviewTaskView, OverviewView
from tasks_app.states import INSTANCE_FINAL, TASK_UNFINISHED, InstanceState, TaskState

BATCH: Final = 500
"""Keys in one statement: databases take only so many."""

_DEPTH: Final = Statement("queue_depth", folder=FOLDER)


def unfinished_counts() -> dict[str, int]:
    """Return how much is not over: instances, tasks, and what is armed to wake. All zero: idle."""
    return {
        "instances": Instance.objects.unfinished().count(),
        "tasks": Task.objects.filter(status__in=sorted(TASK_UNFINISHED)).count(),
        "armed": Task.objects.filter(status=TaskState.WAITING).count()
        + Schedule.objects.filter(paused=False).count(),
    }


class DepthView(View):
    """The unfinished tasks of the caller's projects that nothing blocks."""

    ready: Count
    queued: Count
    running: Count
    waiting: Count


def queue_depth(projects: Collection[int] | None) -> DepthView:
    """Return how many tasks are ready, queued, running and waiting in these projects (None: everywhere).

    ``ready`` are those that nothing blocks and that are not published yet.
    """
    depth = dict.fromkeys(("ready", "queued", "running", "waiting"), 0)
    for what, project, count in _DEPTH.run():
        if projects is None or project in projects:
            depth[what] += int(count)
    return DepthView(**depth)


def ended_badly(*, since: int, among: Collection[int] = ()) -> int:
    """Return how many instances ended otherwise than completed.

    Looked at are those created after the one with key ``since``, and those with a key in ``among``.
    """
    ended = Instance.objects.filter(status__in=sorted(INSTANCE_FINAL - {InstanceState.COMPLETED}))
    keys = sorted(among)
    older = (keys[start : start + BATCH] for start in range(0, len(keys), BATCH))
    return ended.filter(pk__gt=since).count() + sum(
        ended.filter(pk__in=batch, pk__lte=since).count() for batch in older
    )


def unfinished_instances() -> list[int]:
    """Return the key of every instance that has not ended."""
    return list(Instance.objects.unfinished().order_by("pk").values_list("pk", flat=True))


def newest_instance() -> int:
    """Return the key of the newest instance, 0 when there is none."""
    return int(Instance.objects.aggregate(newest=Max("pk"))["newest"] or 0)


def running_overview(keys: Sequence[str] | None = None) -> OverviewView:
    """Return what a live view shows: the named instances (None: the unfinished) and their running tasks."""
    chosen = Instance.objects.select_related("workflow").order_by("id")
    chosen = chosen.unfinished() if keys is None else chosen.filter(public_id__in=keys)
    instances = list(chosen[:50])
    progress = instance_progress([row.pk for row in instances])
    running = Task.objects.filter(
        instance_id__in=[row.pk for row in instances], status=TaskState.RUNNING
    ).select_related("instance")
    return OverviewView(
        instances=[
            OverviewInstanceView(
                id=row.public_id,
                workflow_name=row.workflow_name or None,
                status=row.status,
                progress=progress[row.pk],
            )
            for row in instances
        ],
        tasks=[
            OverviewTaskView(
                instance_id=task.instance.public_id,
                name=task.name,
                executor=task.executor,
                started_at=task.started_at,
                worker=task.worker,
                progress=task.progress,
                message=task.progress_message,
            )
            for task in running.order_by("started_at", "pk")[:50]
        ],
    )
