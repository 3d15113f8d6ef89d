"""Attempts that take longer than their task allows: a worker outside CPDS has nobody beside it to stop it."""

from datetime import datetime, timedelta
from typing import Final

from cpds.base import clock
from cpds.base.conf import conf
from tasks_app.errors import StaleDispatch
from tasks_app.models import Task
from tasks_app.outcomes import Failed
from tasks_app.services.attempts.claims import held_claim
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.lookup.http_workers import NODE_SIGN
from tasks_app.states import EXTERNAL, TaskState

BATCH: Final = 500


def end_overdue_attempts() -> int:
    """Fail attempts of HTTP workers that took longer than their task allows; return how many."""
    running = Task.objects.filter(
        status=TaskState.RUNNING,
        executor__in=[EXTERNAL, *conf().http_worker_executors],
        timeout_seconds__isnull=False,
        lease_expires_at__isnull=False,
    ).exclude(worker__contains=NODE_SIGN)
    now = clock.now()
    ended, seen = 0, 0
    while page := running.filter(pk__gt=seen).order_by("pk")[:BATCH]:
        for task in page:
            ended += _is_overdue(task, now) and _end_overdue(task)
        seen = page[len(page) - 1].pk
    return ended


def _is_overdue(task: Task, now: datetime) -> bool:
    if task.started_at is None or task.timeout_seconds is None:
        return False
    return task.started_at + timedelta(seconds=task.timeout_seconds) <= now


def _end_overdue(task: Task) -> bool:
    claim = held_claim(task_id=task.pk, dispatch_id=task.dispatch_id)
    if claim is None:
        return False
    message = f"It took longer than {task.timeout_seconds:g} s."
    try:
        # Not as its worker's own word: that has not stopped by this.
        report_outcome(claim=claim, outcome=Failed(kind="timeout", message=message, retryable=True))
    except StaleDispatch:
        return False
    return True
