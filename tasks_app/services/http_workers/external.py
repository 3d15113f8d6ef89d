"""External claims: how workers that speak HTTP take tasks, keep them, and report on them.

Such a task is a ready row that nobody publishes. Claims, leases, records, retries
and rescue are those of all tasks; only the claim names its own dispatch.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from cpds.base import clock, db
from cpds.base.conf import conf
from tasks_app.errors import NotHeld, NotOffered, StaleDispatch
from tasks_app.models import ExecutionRecord, Instance, Project, Task
from tasks_app.outcomes import JSON, Completed, Failed, Interrupted, Outcome, Report
from tasks_app.services.attempts.attempt_log import append_logs, report_progress
from tasks_app.services.attempts.claims import Claim, claim_lent, claim_offered, held_claim, renew_claims
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.http_workers.gates_for_http import judge_gates
from tasks_app.services.http_workers.offers import gated_first, is_lent, offered_to
from tasks_app.services.publishing.limits import is_limited, places_left
from tasks_app.services.publishing.release import release_followers
from tasks_app.states import EXTERNAL, InstanceState, RecordState, TaskState

BATCH: Final = 500
ERROR_KIND: Final = "worker_error"
NODE_SIGN: Final = "@"
"""In every name of a Celery worker, and in no id of one that speaks HTTP."""


def pending(
    *,
    project: Project,
    capabilities: Collection[str] | None = None,
    kinds: Collection[str] | None = None,
    limit: int = 10,
) -> list[Task]:
    """Return tasks that a worker may take now, most urgent first, then oldest.

    ``capabilities``: only those that a worker of these is able to do (None: all);
    ``kinds``: only those of these kinds (None: of any). When that is not enough, or what
    still stands at a gate is more urgent, gates are judged that no worker inside CPDS is there to judge.
    """
    found = offered_to(project=project, capabilities=capabilities, kinds=kinds, limit=limit)
    is_wanting = len(found) < limit or (bool(found) and gated_first(task=found[-1]))
    if is_wanting and judge_gates(project=project):
        found = offered_to(project=project, capabilities=capabilities, kinds=kinds, limit=limit)
    return found


def assign(*, task: Task, worker: str, lease_seconds: float | None = None) -> Claim:
    """Give a pending task to a worker for one lease; among any number of workers one gets it.

    ``lease_seconds``: of a worker that is heard of too seldom for the usual lease.

    :raises NotOffered: when it is not pending, or not for workers that speak HTTP.
    """
    try:
        claim = _claimed(task, worker)
    except StaleDispatch:
        task.refresh_from_db()
        raise NotOffered(task_id=task.address, why=_why_not(task)) from None
    if lease_seconds is not None and lease_seconds > conf().lease_seconds:
        # Should this be lost, the worker's next heartbeat is in time if it comes within the usual lease.
        renew_claims(worker=worker, claims=[(claim.task_id, claim.dispatch_id)], lease_seconds=lease_seconds)
    return claim


def _claimed(task: Task, worker: str) -> Claim:
    is_own = task.executor == EXTERNAL
    if is_own and not is_limited(instance=task.instance):
        return claim_offered(task_id=task.pk, worker=worker)
    if not is_own and not is_lent(task=task):
        raise NotOffered(task_id=task.address, why=_why_not(task))
    with db.transaction():
        instance = Instance.objects.locked(task.instance_id)
        if is_own:
            _check_room(task, instance)
            return claim_offered(task_id=task.pk, worker=worker)
        before = Task.objects.filter(pk=task.pk).values_list("status", "dispatch_id").first()
        status, dispatch_id = before or (TaskState.PENDING, None)
        if status == TaskState.PENDING:
            _check_room(task, instance)
        claim = claim_lent(task_id=task.pk, worker=worker)
        if dispatch_id:
            # What was to follow in the canvas of the message that is stale now.
            release_followers(instance_id=task.instance_id, dispatch_ids=[dispatch_id])
        return claim


def progress(
    *,
    task: Task,
    fraction: float,
    message: str = "",
    worker: str | None = None,
    dispatch_id: str | None = None,
) -> None:
    """Note how far a task is, 0 to 1. Without ``worker`` it is said by whoever holds it.

    :raises NotHeld: when it does not run, or not for this worker under this dispatch.
    """
    claim = _held(task, worker, dispatch_id)
    try:
        report_progress(claim=claim, fraction=fraction, message=message)
    except StaleDispatch:
        raise _not_held(task, worker) from None


def complete(
    *,
    task: Task,
    output: JSON = None,
    report: Report | None = None,
    worker: str | None = None,
    dispatch_id: str | None = None,
) -> None:
    """Complete a task with its output, and plan what follows.

    :raises NotHeld: when it does not run, or not for this worker under this dispatch.
    """
    _report(task, Completed(output=output, report=report or Report()), worker, dispatch_id)


def fail(
    *,
    task: Task,
    message: str,
    kind: str = ERROR_KIND,
    retryable: bool = True,
    detail: Mapping[str, JSON] | None = None,
    report: Report | None = None,
    worker: str | None = None,
    dispatch_id: str | None = None,
) -> None:
    """Report that an attempt failed: the task's retry policy decides what follows.

    :raises NotHeld: when it does not run, or not for this worker under this dispatch.
    """
    outcome = Failed(
        kind=kind, message=message, retryable=retryable, detail=dict(detail or {}), report=report or Report()
    )
    _report(task, outcome, worker, dispatch_id)


def log(*, task: Task, lines: Iterable[str], worker: str, dispatch_id: str) -> None:
    """Add lines to the log of a task's instance, all or none.

    :raises NotHeld: when it does not run, or not for this worker under this dispatch.
    """
    claim = _held(task, worker, dispatch_id)
    try:
        append_logs(claim=claim, messages=lines)
    except StaleDispatch:
        raise _not_held(task, worker) from None


def release(*, task: Task, reason: str, worker: str, dispatch_id: str) -> None:
    """Hand a task back undone: it is ready again, and nothing counts against it.

    :raises NotHeld: when it does not run, or not for this worker under this dispatch.
    """
    _report(task, Interrupted(reason=reason), worker, dispatch_id)


def has_reported(
    *, task: Task, worker: str, dispatch_id: str, status: RecordState, error_kind: str = ""
) -> bool:
    """Return whether this worker has ended its claim in this way already: the same word came twice."""
    return ExecutionRecord.objects.filter(
        task_id=task.pk, dispatch_id=dispatch_id, worker=worker, status=status, error_kind=error_kind
    ).exists()


def why_lost(*, task_ids: Collection[int]) -> dict[int, bool]:
    """Return, for each of these tasks, whether it was cancelled; what was taken back otherwise was not."""
    rows = Task.objects.filter(pk__in=task_ids).values_list("pk", "status", "instance__status")
    return {
        pk: status == TaskState.CANCELLED or of_instance == InstanceState.CANCELLED
        for pk, status, of_instance in rows
    }


def renew(
    *, worker: str, lease_seconds: float | None = None, task_ids: Collection[int] | None = None
) -> dict[int, str]:
    """Extend the lease of what a worker holds; return the dispatch id of each task, by its key.

    ``lease_seconds``: until then from now; None: as long as the setting says.
    ``task_ids``: only of these tasks; None: of all.

    What is missing from the answer was taken back or cancelled: the worker must stop it.
    """
    held = Task.objects.filter(worker=worker, status=TaskState.RUNNING)
    if task_ids is not None:
        held = held.filter(pk__in=sorted(task_ids))
    with db.transaction():
        # Locked in the order in which everybody locks tasks; an UPDATE alone takes them as it finds them.
        claims = dict(db.locking(held).order_by("pk").values_list("pk", "dispatch_id"))
        Task.objects.filter(pk__in=claims).update(
            lease_expires_at=clock.database_now_plus(lease_seconds or conf().lease_seconds)
        )
    return claims


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
        report_outcome(claim=claim, outcome=Failed(kind="timeout", message=message, retryable=True))
    except StaleDispatch:
        return False
    return True


def _check_room(task: Task, instance: Instance | None) -> None:
    """Refuse to start more of an instance, its workflow or its project than may be at once."""
    if instance is not None and places_left(instance=instance, requirements=[""])("") <= 0:
        why = "of its instance, its workflow or its project no more may be at once than are on their way"
        raise NotOffered(task_id=task.address, why=why)


def _why_not(task: Task) -> str:
    if task.status != TaskState.PENDING:
        return f"it is {task.status}"
    if task.executor != EXTERNAL and not is_lent(task=task):
        return f"it is performed by {task.executor}, not by a worker that speaks HTTP"
    if task.instance.status != InstanceState.RUNNING:
        return f"its instance is {task.instance.status}"
    return "it waits for something else first"


def _report(task: Task, outcome: Outcome, worker: str | None, dispatch_id: str | None) -> None:
    claim = _held(task, worker, dispatch_id)
    try:
        report_outcome(claim=claim, outcome=outcome)
    except StaleDispatch:
        raise _not_held(task, worker) from None


def _held(task: Task, worker: str | None, dispatch_id: str | None) -> Claim:
    claim = held_claim(task_id=task.pk, worker=worker, dispatch_id=dispatch_id)
    # What a worker inside CPDS runs is its own to report on.
    if claim is None or (task.executor != EXTERNAL and NODE_SIGN in claim.worker):
        raise _not_held(task, worker)
    return claim


def _not_held(task: Task, worker: str | None) -> NotHeld:
    task.refresh_from_db()
    return NotHeld(task_id=task.address, worker=worker or "anybody", state=task.status)
