"""Open an instance again that failed or was cancelled, from what did not complete."""

from cpds.base import clock, db
from cpds.base.redaction import redact_text
from tasks_app.models import Instance, Task
from tasks_app.services import saga
from tasks_app.services.dispatch import mark_ready
from tasks_app.states import InstanceState, TaskState


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
    timeout = instance.definition.get("timeout")
    Instance.objects.filter(pk=instance.pk).move(
        to=InstanceState.RUNNING,
        message=redact_text(reason),
        data={"by": by} if by else {},
        error_message="",
        finished_at=None,
        is_stopping=False,
        is_to_compensate=False,
        # Its time begins anew.
        deadline_at=None if timeout is None else clock.database_now_plus(timeout),
    )
    # From here on the sweep goes on with it, should this process die.
    mark_ready(candidates=tasks)
