"""Open an instance again that failed or was cancelled, from what did not complete."""

from cpds.base import clock, db
from tasks_app.errors import RetryTheParent
from tasks_app.models import Instance, Task
from tasks_app.services.access.audited_moves import move_with_audit
from tasks_app.services.lookup.by_name import lock_workflow
from tasks_app.services.progress import saga
from tasks_app.services.progress.admission import has_room
from tasks_app.services.publishing.dispatch import mark_ready
from tasks_app.states import InstanceState, TaskState


def check_that_it_is_its_own(instance: Instance) -> None:
    """Make sure that no other instance decides whether this one goes on.

    :raises RetryTheParent: when another instance started it.
    """
    parent = (
        Instance.objects.filter(tasks=instance.parent_task_id).first() if instance.parent_task_id else None
    )
    if parent is not None:
        raise RetryTheParent(instance=instance.public_id, parent=parent.public_id)


@db.transaction_required
def hold_workflow(instance: Instance) -> None:
    """Lock the workflow of an instance that may be reopened: as at each creation, before any instance.

    :raises NotFound: when it was deleted meanwhile.
    """
    if instance.workflow is not None:
        lock_workflow(workflow=instance.workflow)


@db.transaction_required
def reopen(*, instance: Instance, by: str, reason: str) -> None:
    """Let an instance go on, as soon as its workflow has room for it; completed tasks keep their results.

    One whose compensation failed goes on being compensated, at once. The caller holds
    the lock of its workflow, then its own, and pumps after the commit.
    """
    if saga.undos(instance=instance).exists():
        saga.resume(instance=instance, by=by, reason=reason)
        saga.mark_next(instance=instance)
    else:
        _start_again(instance, by, reason)


def _start_again(instance: Instance, by: str, reason: str) -> None:
    tasks = Task.objects.filter(instance=instance)
    again = [TaskState.FAILED, TaskState.SKIPPED, TaskState.CANCELLED]
    tasks.filter(satisfies=False, status__in=again).move(
        to=TaskState.PENDING, message="retried", **saga.AGAIN
    )
    if run_again(instance=instance, by=by, reason=reason):
        # From here on the sweep goes on with it, should this process die.
        mark_ready(tasks)


@db.transaction_required
def run_again(*, instance: Instance, by: str, reason: str) -> bool:
    """Let an ended instance run again; return whether it does: else it waits as pending for room.

    Its time begins anew when it runs. The caller has seen to its tasks, and marks as
    ready what is ready if it runs; whoever admits a pending one does that then.
    """
    runs = has_room(instance=instance, max_instances=instance.definition.get("max_instances"))
    timeout = instance.definition.get("timeout") if runs else None
    move_with_audit(
        instance=instance,
        to=InstanceState.RUNNING if runs else InstanceState.PENDING,
        by=by,
        reason=reason,
        error_message="",
        finished_at=None,
        is_stopping=False,
        is_to_compensate=False,
        deadline_at=None if timeout is None else clock.database_now_plus(timeout),
    )
    return runs
