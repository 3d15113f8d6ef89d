"""Attempts of tasks that start a workflow: each child, started or gone on with, is one, and has its record.

No worker holds such an attempt: it is opened at the gate, and closed when the wait for the child ends.
"""

from collections.abc import Mapping

from django.db.models import Q

from cpds.base import clock, db
from cpds.base.conf import conf
from tasks_app.models import ExecutionRecord, Instance, Task
from tasks_app.models.task import TaskQuerySet
from tasks_app.outcomes import JSON
from tasks_app.states import RecordState, TaskState, WaitKind

_BECAME = {TaskState.COMPLETED: RecordState.COMPLETED, TaskState.FAILED: RecordState.FAILED}


@db.transaction_required
def open_attempt(*, task: Task, dispatch_id: str, child: Instance) -> None:
    """Record that a task waits for a child from now on: the caller has counted the attempt."""
    ExecutionRecord.objects.create(
        task=task,
        number=task.attempts + 1,
        dispatch_id=dispatch_id,
        executor=task.executor,
        mode=conf().mode,
        metadata={"child": child.public_id},
    )


@db.transaction_required
def close_attempt(
    *,
    task: Task,
    to: TaskState,
    output: JSON = None,
    kind: str = "",
    message: str = "",
    detail: Mapping[str, JSON] | None = None,
) -> None:
    """Record how the child ended on the open attempt: ``completed``, ``failed``, else ``interrupted``."""
    ExecutionRecord.objects.filter(_open_of(Task.objects.filter(pk=task.pk))).update(
        status=_BECAME.get(to, RecordState.INTERRUPTED),
        finished_at=clock.database_now(),
        output=output,
        error_kind=kind,
        error_message=message,
        error_detail=dict(detail or {}),
    )


@db.transaction_required
def interrupt_attempts(*, tasks: TaskQuerySet, reason: str) -> None:
    """Close the attempts of tasks that will not wait for their children any more."""
    ExecutionRecord.objects.filter(_open_of(tasks)).update(
        status=RecordState.INTERRUPTED,
        finished_at=clock.database_now(),
        error_kind="cancelled",
        error_message=reason,
    )


def _open_of(tasks: TaskQuerySet) -> Q:
    waiting = tasks.filter(status=TaskState.WAITING, wait_kind=WaitKind.WORKFLOW)
    return Q(task_id__in=waiting.values("pk"), status=RecordState.RUNNING)
