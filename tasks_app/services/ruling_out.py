"""Skip what a failure prevents, and what an instance that stops does not start."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from cpds.base import clock, db
from tasks_app.models import Dependency, Instance, Task
from tasks_app.planning.ruling import Standing, ruled_out, stopped
from tasks_app.services.checkpoints import close_checkpoints
from tasks_app.states import TASK_UNSTARTED, JoinMode, OnFailure, TaskState, WaitKind

BATCH = 500
UNDER_WAY = frozenset({WaitKind.ITEMS, WaitKind.BATCHES, WaitKind.WORKFLOW})
"""A list whose items run, and a task whose instance runs, have started: they end with what they wait for."""


@db.transaction_required
def rule_out(*, instance: Instance, culprits: Mapping[int, str]) -> list[int]:
    """Skip what the failure of ``culprits`` (names by key) prevents; return what was skipped.

    Unless the instance is to continue, that is also all that has not started;
    where it just stops, tasks that depend on a failure and can do without it are
    spared. The caller holds the instance's lock and looks at what needs the skipped.
    """
    tasks, needs = _standings(instance.pk)
    blamed = ruled_out(tasks=tasks, needs=needs, culprits=culprits)
    by_culprit: dict[int, list[int]] = {}
    for task, culprit in blamed.items():
        by_culprit.setdefault(culprit, []).append(task)
    for culprit, task_ids in by_culprit.items():
        _skip(sorted(task_ids), f"needs {culprits[culprit]}, which failed")
    if instance.on_failure == OnFailure.CONTINUE:
        return list(blamed)
    rest = _left(instance) if instance.on_failure == OnFailure.COMPENSATE else _unspared(instance)
    _skip(sorted(rest), f"not started: the instance stopped when {next(iter(culprits.values()))} failed")
    return [*blamed, *rest]


def _left(instance: Instance) -> set[int]:
    unstarted = Task.objects.filter(instance=instance, status__in=sorted(TASK_UNSTARTED))
    return set(unstarted.exclude(wait_kind__in=sorted(UNDER_WAY)).values_list("pk", flat=True))


def _unspared(instance: Instance) -> set[int]:
    """Return what is stopped by all failures of an instance together: none undoes what another one spares."""
    failed = Task.objects.filter(instance=instance, status=TaskState.FAILED, satisfies=False)
    parents = dict(failed.values_list("pk", "parent_id"))
    broken = {parent for parent in parents.values() if parent is not None}
    tasks, needs = _standings(instance.pk)
    # Items go on as long as their list does, which ends with the first of them that fails.
    items = Task.objects.filter(instance=instance, parent__isnull=False).exclude(parent__in=broken)
    needs.update({item: [parent] for item, parent in items.values_list("pk", "parent_id")})
    return stopped(tasks=tasks, needs=needs, culprits=parents.keys() | broken)


def _standings(instance_id: int) -> tuple[dict[int, Standing], dict[int, list[int]]]:
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
    return tasks, needs


def _skip(task_ids: Sequence[int], reason: str) -> None:
    for batch in _batches(task_ids):
        close_checkpoints(tasks=Task.objects.filter(pk__in=batch))
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
