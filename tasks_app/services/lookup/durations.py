"""How long tasks are expected to take, by how long they took lately."""

from collections.abc import Collection
from statistics import fmean, median
from typing import Final

from django.db.models import F

from tasks_app.models import ExecutionRecord, Instance, Task
from tasks_app.states import EXTERNAL, RecordState, TaskState

RECENT_INSTANCES: Final = 20
ROWS_READ: Final = 10_000
"""At most about so many rows are read: of a large workflow, fewer instances are looked at."""
DEFAULT_MILLISECONDS: Final = 1000
RECENT_RECORDS: Final = 2_000


def expected_milliseconds(*, workflow_id: int | None, names: Collection[str]) -> dict[str, int]:
    """Return how many milliseconds each of a workflow's tasks is expected to take, at least 1.

    It is the median of what the task of this name took in the instances that
    ended last. A task that is new counts as the middle one of those that are
    known, so that where nothing is known the path with the most tasks is longest.
    """
    taken = (
        {}
        if workflow_id is None
        else _taken(workflow_id, max(1, min(RECENT_INSTANCES, ROWS_READ // max(1, len(names)))))
    )
    known = {name: median(taken[name]) for name in names if name in taken}
    default = median(known.values()) if known else DEFAULT_MILLISECONDS
    return {name: max(1, round(known.get(name, default))) for name in names}


def recent_seconds() -> dict[str, float]:
    """Return how many seconds a task holds a slot on average, by requirement set.

    Of the last attempts of the whole installation that completed. The mean, and not
    the middle one: a few long tasks among many short ones want their slots, too. Sets
    of which none is known are missing.
    """
    newest = ExecutionRecord.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    rows = ExecutionRecord.objects.filter(
        pk__gt=newest - RECENT_RECORDS,
        status=RecordState.COMPLETED,
        finished_at__gte=F("started_at"),
    ).exclude(executor=EXTERNAL)
    held: dict[str, list[float]] = {}
    for requirement, started_at, finished_at in rows.values_list(
        "task__requirement", "started_at", "finished_at"
    ):
        assert finished_at is not None  # noqa: S101 - the filter says so
        held.setdefault(requirement, []).append((finished_at - started_at).total_seconds())
    return {requirement: fmean(seconds) for requirement, seconds in held.items()}


def _taken(workflow_id: int, instances: int) -> dict[str, list[float]]:
    recent = Instance.objects.filter(workflow_id=workflow_id, finished_at__isnull=False)
    keys = list(recent.order_by("-finished_at").values_list("pk", flat=True)[:instances])
    if not keys:
        return {}
    rows = Task.objects.filter(
        instance_id__in=keys,
        status=TaskState.COMPLETED,
        parent__isnull=True,
        compensates__isnull=True,
        attempts__gt=0,  # what a rerun shares was not done there
        finished_at__gte=F("started_at"),
    ).values_list("name", "started_at", "finished_at")
    taken: dict[str, list[float]] = {}
    for name, started_at, finished_at in rows:
        taken.setdefault(name, []).append((finished_at - started_at).total_seconds() * 1000)
    return taken
