"""Stop tasks for good: what runs loses its claim, what has not started is cancelled."""

from django.db.models import Q

from cpds.base import clock, db
from tasks_app.models import Task
from tasks_app.models.task import TaskQuerySet
from tasks_app.services.progress.checkpoints import close_checkpoints
from tasks_app.services.progress.child_attempts import interrupt_attempts
from tasks_app.services.publishing.release import close_records, revoke
from tasks_app.states import TASK_UNSTARTED, RecordState, TaskState


@db.transaction_required
def stop_tasks(*, instance_id: int, reason: str) -> None:
    """Cancel everything unfinished in an instance. The caller holds its lock."""
    tasks = Task.objects.filter(instance_id=instance_id)
    stop_running(running=tasks.filter(status=TaskState.RUNNING), reason=reason)
    cancel_unstarted(instance_id=instance_id, reason=reason)


@db.transaction_required
def stop_running(*, running: TaskQuerySet, reason: str, by: str = "", settled: bool = True) -> None:
    """Take running tasks from their workers, who find out when they renew, and cancel them."""
    claims = revoke(running=running)
    close_records(claims=claims, status=RecordState.INTERRUPTED, kind="cancelled", message=reason)
    cancel_tasks(tasks=running, reason=reason, by=by, settled=settled)


@db.transaction_required
def cancel_unstarted(*, instance_id: int, reason: str, settled: bool = True, but: Q | None = None) -> None:
    """Cancel what has not started in an instance, ``but`` for some. The caller holds its lock."""
    unstarted = Task.objects.filter(instance_id=instance_id, status__in=sorted(TASK_UNSTARTED))
    cancel_tasks(tasks=unstarted if but is None else unstarted.exclude(but), reason=reason, settled=settled)


@db.transaction_required
def cancel_tasks(*, tasks: TaskQuerySet, reason: str, by: str = "", settled: bool = True) -> None:
    """Cancel tasks. Not ``settled``: what follows them is still to be planned."""
    close_checkpoints(tasks)
    interrupt_attempts(tasks=tasks, reason=reason)
    tasks.move(
        to=TaskState.CANCELLED,
        message=reason,
        data={"by": by} if by else {},
        reason=reason,
        dispatch_id=None,
        lease_expires_at=None,
        wake_at=None,
        wait_kind="",
        finished_at=clock.database_now(),
        settled=settled,
    )
