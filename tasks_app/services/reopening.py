"""Open an instance again that failed or was cancelled, from what did not complete."""

from cpds.base import db
from cpds.base.redaction import redact_text
from tasks_app.models import Instance, Task
from tasks_app.services.dispatch import mark_ready
from tasks_app.states import InstanceState, TaskState


@db.transaction_required
def reopen(*, instance: Instance, by: str, reason: str) -> None:
    """Let an instance go on; completed tasks keep their results.

    The caller holds its lock, and advances it after the commit.
    """
    tasks = Task.objects.filter(instance=instance)
    tasks.filter(satisfies=False, status__in=[TaskState.FAILED, TaskState.SKIPPED, TaskState.CANCELLED]).move(
        to=TaskState.PENDING,
        message="retried",
        satisfies=None,
        reason="",
        error_kind="",
        error_message="",
        failures=0,
        losses=0,
        dispatch_id=None,
        ready_at=None,
        wake_at=None,
        wait_kind="",
        worker="",
        finished_at=None,
        settled=False,
    )
    Instance.objects.filter(pk=instance.pk).move(
        to=InstanceState.RUNNING,
        message=redact_text(reason),
        data={"by": by} if by else {},
        error_message="",
        finished_at=None,
        is_stopping=False,
        deadline_at=None,
    )
    # Here, and not after the commit: if this process dies in between, the sweep publishes what is ready.
    mark_ready(candidates=tasks)
