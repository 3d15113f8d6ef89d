"""Skip what a failure prevents, and what an instance that stops does not start."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from cpds.base import clock, db
from tasks_app.models import Dependency, Instance, Task
from tasks_app.planning.engine.ruling import Standing, ruled_out, stopped
from tasks_app.services.progress.checkpoints import close_checkpoints
from tasks_app.services.progress.foreign import foreign_names
from tasks_app.states import TASK_UNSTARTED, InstanceState, JoinMode, OnFailure, TaskState, WaitKind

BATCH = 500
_BECAME = {
    TaskState.FAILED: "failed",
    TaskState.CANCELLED: "was cancelled",
    TaskState.SKIPPED: "was skipped",
}
UNDER_WAY = frozenset({WaitKind.ITEMS, WaitKind.BATCHES, WaitKind.WORKFLOW})
"""A list whose items run, and a task whose instance runs, have started: they end with what they wait for."""


@dataclass(frozen=True, kw_only=True)
class Culprit:
    """A task that ended and does not satisfy those who need it. ``has_failed``: in this instance."""

    name: str
    what_became: str
    has_failed: bool


def culprits_among(*, instance: Instance, ended: Collection[int]) -> dict[int, Culprit]:
    """Return which of these tasks, of this instance or needed by it, rule out others."""
    # What failed on the way forward rules out no undo: there it is history.
    is_undoing = instance.status == InstanceState.COMPENSATING
    rows = list(
        Task.objects.filter(pk__in=ended, satisfies=False, compensates__isnull=not is_undoing)
        .order_by("pk")
        .values_list("pk", "instance_id", "name", "status")
    )
    names = foreign_names([pk for pk, owner, *_ in rows if owner != instance.pk])
    blamed = {TaskState.FAILED} if instance.is_stopping else {TaskState.FAILED, TaskState.CANCELLED}
    return {
        pk: Culprit(
            name=name,
            what_became=f"{names.get(pk, name)}, which {_BECAME.get(status, f'is {status}')}",
            has_failed=pk not in names and status == TaskState.FAILED,
        )
        for pk, owner, name, status in rows
        if owner != instance.pk or status in blamed
    }


@db.transaction_required
def rule_out(*, instance: Instance, culprits: Mapping[int, Culprit]) -> list[int]:
    """Skip what the end of ``culprits``, by key, prevents; return what was skipped.

    Unless the instance is to continue, that is also all that has not started;
    where it just stops, tasks that depend on a failure and can do without it are
    spared. The caller holds the instance's lock and looks at what needs the skipped.
    """
    blamed: dict[int, int] = {}
    if Dependency.objects.filter(needed_id__in=culprits).exists():
        tasks, needs = standings_of(instance.pk)
        blamed = ruled_out(tasks=tasks, needs=needs, culprits=culprits)
    by_culprit: dict[int, list[int]] = {}
    for task, culprit in blamed.items():
        by_culprit.setdefault(culprit, []).append(task)
    for culprit, task_ids in by_culprit.items():
        _skip(sorted(task_ids), f"needs {culprits[culprit].what_became}")
    failed = [culprit.name for culprit in culprits.values() if culprit.has_failed]
    if not failed or instance.on_failure == OnFailure.CONTINUE:
        return list(blamed)
    rest = _left(instance) if instance.on_failure == OnFailure.COMPENSATE else _unspared(instance)
    _skip(sorted(rest), f"not started: the instance stopped when {failed[0]} failed")
    return [*blamed, *rest]


def _left(instance: Instance) -> set[int]:
    unstarted = Task.objects.filter(instance=instance, status__in=sorted(TASK_UNSTARTED))
    return set(unstarted.exclude(wait_kind__in=sorted(UNDER_WAY)).values_list("pk", flat=True))


def _unspared(instance: Instance) -> set[int]:
    """Return what is stopped by all failures of an instance together: none undoes what another one spares."""
    failed = Task.objects.filter(instance=instance, status=TaskState.FAILED, satisfies=False)
    parents = dict(failed.values_list("pk", "parent_id"))
    broken = {parent for parent in parents.values() if parent is not None}
    tasks, needs = standings_of(instance.pk)
    # Items go on as long as their list does, which ends with the first of them that fails.
    items = Task.objects.filter(instance=instance, parent__isnull=False).exclude(parent__in=broken)
    needs.update({item: [parent] for item, parent in items.values_list("pk", "parent_id")})
    return stopped(tasks=tasks, needs=needs, culprits=parents.keys() | broken)


def standings_of(instance_id: int) -> tuple[dict[int, Standing], dict[int, list[int]]]:
    """Return how the tasks of an instance stand, and those elsewhere that they need; and what each needs."""
    tasks = {
        pk: Standing(
            satisfies=satisfies,
            may_be_skipped=status in TASK_UNSTARTED and wait_kind not in UNDER_WAY,
            join=JoinMode(join),
            join_count=join_count,
        )
        for pk, satisfies, status, wait_kind, join, join_count in Task.objects.filter(
            instance_id=instance_id
        ).values_list("pk", "satisfies", "status", "wait_kind", "join", "join_count")
    }
    needs: dict[int, list[int]] = {}
    edges = Dependency.objects.filter(task__instance_id=instance_id).values_list("task_id", "needed_id")
    for task, needed in edges:
        needs.setdefault(task, []).append(needed)
    abroad = Task.objects.filter(followers__task__instance_id=instance_id, followers__is_foreign=True)
    for pk, satisfies in abroad.values_list("pk", "satisfies"):
        tasks[pk] = Standing(satisfies=satisfies, may_be_skipped=False, join=JoinMode.ALL, join_count=None)
    return tasks, needs


def _skip(task_ids: Sequence[int], reason: str) -> None:
    for batch in _batches(task_ids):
        close_checkpoints(Task.objects.filter(pk__in=batch))
        Task.objects.filter(pk__in=batch, status__in=sorted(TASK_UNSTARTED)).move(
            to=TaskState.SKIPPED,
            message=reason,
            reason=reason,
            dispatch_id=None,
            wake_at=None,
            wait_kind="",
            finished_at=clock.database_now(),
            settled=True,
        )


def _batches(items: Sequence[int]) -> Iterator[list[int]]:
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch
