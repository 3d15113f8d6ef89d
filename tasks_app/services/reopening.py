"""Open an instance again that failed or was cancelled, from what did not complete."""

from cpds.base import clock, db
from cpds.base.redaction import redact_text
from tasks_app.errors import RetryTheParent
from tasks_app.models import Instance, Task
from tasks_app.services import saga
from tasks_app.services.dispatch import mark_ready
from tasks_app.states import InstanceState, TaskState


def check_that_it_is_its_own(*, instance: Instance) -> None:
    """Make sure that no other instance decides whether this one goes on.

    :raises RetryTheParent: when another instance started it.
    """
    parent = (
        Instance.objects.filter(tasks=instance.parent_task_id).first() if instance.parent_task_id else None
    )
    if parent is not None:
        raise RetryTheParent(instance=instance.public_id, parent=parent.public_id)


@db.transaction_required
def reopen(*, instance: Instance, by: str, reason: str) -> None:
    """Let an instance go on; completed tasks keep their results.

    One whose compensation failed goes on being compensated. The caller holds its
    lock, and pumps after the commit.
    """
    if saga.undos(instance=instance).exists():
        saga.resume(instance=instance, by=by, reason=redact_text(reason))
        saga.mark_next(instance=instance)
    else:
        _start_again(instance, by, reason)


def _start_again(instance: Instance, by: str, reason: str) -> None:
    tasks = Task.objects.filter(instance=instance)
    again = [TaskState.FAILED, TaskState.SKIPPED, TaskState.CANCELLED]
    tasks.filter(satisfies=False, status__in=again).move(
        to=TaskState.PENDING, message="retried", **saga.AGAIN
    )
    run_again(instance=instance, by=by, reason=reason)
    # From here on the sweep goes on with it, should this process die.
    mark_ready(candidates=tasks)


@db.transaction_required
def run_again(*, instance: Instance, by: str, reason: str) -> None:
    """Let an ended instance run again; its time begins anew. The caller has seen to its tasks."""
    timeout = instance.definition.get("timeout")
    Instance.objects.filter(pk=instance.pk).move(
        to=InstanceState.RUNNING,
        message=redact_text(reason),
        data={"by": by} if by else {},
        error_message="",
        finished_at=None,
        is_stopping=False,
        is_to_compensate=False,
        deadline_at=None if timeout is None else clock.database_now_plus(timeout),
    )
