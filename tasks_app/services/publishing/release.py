"""Take tasks back: from a dead worker, from a worker that stops, from a lost canvas."""

from collections.abc import Collection

from django.db.models import F, OuterRef, Subquery

from cpds.base import clock, db
from tasks_app.models import ExecutionRecord, Task
from tasks_app.models.task import TaskQuerySet
from tasks_app.services.publishing.dispatch import mark_ready
from tasks_app.states import RecordState, TaskState


@db.transaction_required
def release_followers(*, instance_id: int, dispatch_ids: Collection[str]) -> int:
    """Free the followers that canvases were to start; return how many.

    Those whose dependencies have completed meanwhile become ready. Messages that
    still carry them are stale from now on. The caller holds the instance's lock.
    """
    followers = Task.objects.planned().filter(instance_id=instance_id, dispatch_id__in=dispatch_ids)
    freed = list(followers.values_list("pk", flat=True))
    if freed:
        Task.objects.planned().filter(pk__in=freed).update(dispatch_id=None)
        mark_ready(Task.objects.filter(pk__in=freed))
    return len(freed)


@db.transaction_required
def take_back(*, task_ids: Collection[int], reason: str, is_loss: bool) -> list[int]:
    """Make running tasks ready again; return those that were still running.

    ``is_loss`` counts it against the task and closes the record as lost; else it
    was handed back in good order. The caller holds the instance's lock and has
    released the followers.
    """
    running = Task.objects.filter(pk__in=task_ids, status=TaskState.RUNNING)
    dispatches = list(running.values_list("pk", "dispatch_id"))
    moved = running.move(
        to=TaskState.PENDING,
        message=reason,
        reason=reason,
        dispatch_id=None,
        worker="",
        lease_expires_at=None,
        ready_at=clock.database_now(),
        losses=F("losses") + (1 if is_loss else 0),
    )
    close_records(
        claims=dispatches,
        status=RecordState.LOST if is_loss else RecordState.INTERRUPTED,
        kind="worker_lost" if is_loss else "interrupted",
        message=reason,
    )
    return [task.pk for task in moved]


@db.transaction_required
def end_for_good(*, task_id: int, reason: str) -> None:
    """Cancel a running task that was told to end and did. The caller holds the instance's lock."""
    running = Task.objects.filter(pk=task_id, status=TaskState.RUNNING)
    claims = list(running.values_list("pk", "dispatch_id"))
    running.move(
        to=TaskState.CANCELLED,
        message=reason,
        reason=reason,
        lease_expires_at=None,
        finished_at=clock.database_now(),
    )
    close_records(claims=claims, status=RecordState.INTERRUPTED, kind="cancelled", message=reason)


@db.transaction_required
def revoke(running: TaskQuerySet) -> list[tuple[int, str | None]]:
    """Lock running tasks that are about to be taken from workers unawares; return their claims.

    Until such a worker lets go, or its lease ends, it may still be at it; its
    record says so. The caller holds the instance's lock and takes the tasks away.
    """
    claims = list(running.select_for_update().order_by("pk").values_list("pk", "dispatch_id"))
    lease = Task.objects.filter(pk=OuterRef("task_id")).values("lease_expires_at")
    ExecutionRecord.objects.filter(
        task_id__in=[task_id for task_id, _ in claims], status=RecordState.RUNNING
    ).update(revoked_until=Subquery(lease))
    return claims


@db.transaction_required
def close_records(
    *, claims: Collection[tuple[int, str | None]], status: RecordState, kind: str, message: str
) -> None:
    """Close the open records of these (task, dispatch id) claims."""
    for task_id, dispatch_id in claims:
        ExecutionRecord.objects.filter(
            task_id=task_id, dispatch_id=dispatch_id or "", status=RecordState.RUNNING
        ).update(status=status, finished_at=clock.database_now(), error_kind=kind, error_message=message)
