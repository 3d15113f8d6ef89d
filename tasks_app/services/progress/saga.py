"""Compensation: undo what completed in an instance, in exact reverse order of completion.

An undo is a task of the same instance, made when compensation begins: it
``compensates`` a completed one. The undos form one line, so each starts when
the one before it has completed; they are planned, published, claimed, leased,
fenced, retried and rescued as every task is.

What is to be undone is ``compensating`` from the start of the compensation and
``compensated`` in the transaction that completes its undo. When an undo fails
for good, the rest of the line is skipped, what was not undone is ``completed``
again, and the instance fails, saying which is which; retrying it goes on from
the undo that failed.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from cpds.base import clock, db
from tasks_app.models import Event, ExecutionRecord, Instance, Task
from tasks_app.models.task import TaskQuerySet
from tasks_app.planning.engine.canvas_plan import Node
from tasks_app.planning.engine.compensation import failure_sentence
from tasks_app.services.access.audited_moves import move_with_audit
from tasks_app.services.lookup import instance_tree
from tasks_app.services.progress.undo_rows import create_undos, newest_first
from tasks_app.services.publishing.dispatch import mark_ready
from tasks_app.states import TASK_UNFINISHED, InstanceState, TaskState

BATCH = 500


def undos(instance: Instance) -> TaskQuerySet:
    """Return the undos of an instance: none before compensation has begun."""
    found: TaskQuerySet = Task.objects.filter(instance=instance, compensates__isnull=False)
    return found


def still_runs(instance: Instance) -> bool:
    """Return whether something of an instance may still be at work: nothing is undone beside it.

    That is an attempt that lost its claim and may not have stopped yet, and any
    instance that its tasks started, or theirs, which has not ended.
    """
    family = {instance.pk, *instance_tree.descendants(instance_id=instance.pk)}
    return (
        instance_tree.unfinished_among(keys=family - {instance.pk})
        or ExecutionRecord.objects.filter(
            task__instance__in=family, revoked_until__gt=clock.database_now()
        ).exists()
    )


@db.transaction_required
def begin(*, instance: Instance, reason: str, by: str = "") -> bool:
    """Start compensating an instance in which nothing is unfinished; return whether it has what to undo.

    Undone are completed tasks that say how. Results shared with the origin of a
    rerun are the origin's to undo. The caller holds the instance's lock.
    """
    done = newest_first(instance)
    if not done:
        return False
    create_undos(instance=instance, done=done)
    for batch in _batches([task.pk for task in done]):
        Task.objects.filter(pk__in=batch).move(
            to=TaskState.COMPENSATING, message="to be undone", settled=True
        )
    move_with_audit(
        instance=instance,
        to=InstanceState.COMPENSATING,
        by=by,
        reason=reason,
        facts={"tasks": [task.name for task in done]},
        error_message=reason,
        finished_at=None,
        deadline_at=None,
        paused_until=None,
        pause_reason="",
        is_stopping=False,
        is_to_compensate=False,
    )
    instance.refresh_from_db()
    return True


@db.transaction_required
def mark_next(instance: Instance) -> list[Node]:
    """Mark the undo that is next, unless something of the instance may still run.

    Here and not after the commit: if this process dies in between, the sweep
    publishes it. The caller holds the instance's lock.
    """
    return [] if still_runs(instance) else mark_ready(undos(instance))


@db.transaction_required
def resume(*, instance: Instance, by: str, reason: str) -> None:
    """Go on with a compensation that failed. The caller holds the instance's lock."""
    again = undos(instance).exclude(status=TaskState.COMPLETED)
    targets = list(again.order_by("position").values_list("compensates_id", flat=True))
    for batch in _batches(targets):
        Task.objects.filter(compensates_id__in=batch).move(to=TaskState.PENDING, message="retried", **AGAIN)
        Task.objects.filter(pk__in=batch).move(to=TaskState.COMPENSATING, message="to be undone")
    move_with_audit(
        instance=instance,
        to=InstanceState.COMPENSATING,
        by=by,
        reason=reason,
        error_message=_why_it_began(instance),
        finished_at=None,
    )
    instance.refresh_from_db()


AGAIN: Mapping[str, Any] = {
    "reason": "",
    "error_kind": "",
    "error_message": "",
    "failures": 0,
    "losses": 0,
    "dispatch_id": None,
    "ready_at": None,
    "wake_at": None,
    "wait_kind": "",
    "worker": "",
    "finished_at": None,
    "settled": False,
}
"""What a task forgets when a person has it tried again."""


@db.transaction_required
def mark_compensated(task_id: int) -> None:
    """Mark a task as undone, in the transaction that completes its undo.

    This caller holds no lock of the instance and moves two tasks. Nobody can wait for it crosswise: what is
    compensating is moved otherwise only when no undo is unfinished.
    """
    Task.objects.filter(pk=task_id, status=TaskState.COMPENSATING).move(
        to=TaskState.COMPENSATED, message="undone"
    )


@db.transaction_required
def close(instance: Instance) -> bool:
    """End a compensating instance when all its undos have; return whether it did.

    The caller holds the instance's lock.
    """
    rows = undos(instance)
    if rows.filter(status__in=sorted(TASK_UNFINISHED)).exists():
        return False
    ends = list(rows.order_by("position").values_list("status", "compensates_id", "compensates__name"))
    undone = [name for status, _, name in ends if status == TaskState.COMPLETED]
    left = [(key, name) for status, key, name in ends if status != TaskState.COMPLETED]
    if not left:
        Instance.objects.filter(pk=instance.pk).move(
            to=InstanceState.COMPENSATED, data={"undone": undone}, finished_at=clock.database_now()
        )
        return True
    not_undone = [name for _, name in left]
    for batch in _batches([key for key, _ in left]):
        Task.objects.filter(pk__in=batch).move(
            to=TaskState.COMPLETED, message="not undone", data={"undone": False}
        )
    culprit = rows.filter(status=TaskState.FAILED).order_by("position").first()
    message = failure_sentence(
        cause=_why_it_began(instance),
        culprit="" if culprit is None else f"{culprit.name}: {culprit.error_message}",
        undone=undone,
        not_undone=not_undone,
    )
    Instance.objects.filter(pk=instance.pk).move(
        to=InstanceState.FAILED,
        message=message,
        data={"undone": undone, "not_undone": not_undone},
        error_message=message,
        finished_at=clock.database_now(),
    )
    return True


def _why_it_began(instance: Instance) -> str:
    first = Event.objects.filter(
        instance=instance, task__isnull=True, kind=f"instance.{InstanceState.COMPENSATING}"
    )
    return first.order_by("id").values_list("message", flat=True).first() or ""


def _batches(items: Sequence[int]) -> Iterator[list[int]]:
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch
