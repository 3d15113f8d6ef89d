"""Checkpoints: open one for a task that needs a person's consent, close those that nobody needs any more."""

from django.db.models import QuerySet

from cpds.base import clock, db
from tasks_app.models import Checkpoint, Task
from tasks_app.planning.values.stored_spec import StoredApproval
from tasks_app.states import CheckpointState


@db.transaction_required
def open_checkpoint(*, task: Task, approval: StoredApproval) -> Checkpoint:
    """Ask whether a task may run, as its stored ``approval`` says.

    The caller holds the instance's lock and moves the task.
    """
    expires = approval.get("expires")
    return Checkpoint.objects.create(
        instance_id=task.instance_id,
        task=task,
        number=Checkpoint.objects.filter(task=task).count() + 1,
        allowed=approval.get("by", []),
        form=approval.get("form", {}),
        default=approval.get("default", "reject"),
        expires_at=None if expires is None else clock.database_now_plus(expires),
    )


@db.transaction_required
def close_checkpoints(tasks: "QuerySet[Task]") -> int:
    """Withdraw the open questions of tasks that will not run; return how many."""
    return int(
        Checkpoint.objects.filter(task__in=tasks, state=CheckpointState.OPEN).update(
            state=CheckpointState.CLOSED, answered_at=clock.database_now()
        )
    )
