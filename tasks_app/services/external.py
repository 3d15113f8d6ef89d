"""External claims: how workers that speak HTTP take tasks, keep them, and report on them.

Such a task is a ready row that nobody publishes. Claims, leases, records, retries
and rescue are those of all tasks; only the claim names its own dispatch.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Final

from cpds.base import clock, db
from cpds.base.conf import conf
from tasks_app.errors import NotHeld, NotOffered, StaleDispatch
from tasks_app.models import Instance, Project, Task
from tasks_app.outcomes import JSON, Completed, Failed, Report
from tasks_app.services.claims import Claim, claim_offered, held_claim
from tasks_app.services.reports import report_outcome
from tasks_app.services.speech import report_progress
from tasks_app.states import EXTERNAL, InstanceState, TaskState

PAGE: Final = 500
PAGES: Final = 20
BATCH: Final = 500
ERROR_KIND: Final = "worker_error"


def pending(*, project: Project, capabilities: Collection[str] | None = None, limit: int = 10) -> list[Task]:
    """Return tasks that a worker may take now, most urgent first, then oldest.

    ``capabilities``: only those that a worker of these is able to do (None: all).
    """
    offered = Task.objects.offered().in_running_instance().filter(project=project)
    rows = offered.select_related("instance").order_by("-priority", "id")
    if capabilities is None:
        return list(rows[:limit])
    able = set(capabilities)
    found: list[Task] = []
    for start in range(0, PAGE * PAGES, PAGE):
        page = list(rows[start : start + PAGE])
        found += [task for task in page if able.issuperset(task.requires)]
        if len(found) >= limit or len(page) < PAGE:
            break
    return found[:limit]


def assign(*, task: Task, worker: str) -> Claim:
    """Give a pending task to a worker for one lease; among any number of workers one gets it.

    :raises NotOffered: when it is not pending, or not for workers that speak HTTP.
    """
    try:
        if task.instance.max_parallel is None:
            return claim_offered(task_id=task.pk, worker=worker)
        with db.transaction():
            _check_room(task)
            return claim_offered(task_id=task.pk, worker=worker)
    except StaleDispatch:
        task.refresh_from_db()
        raise NotOffered(task_id=task.address, why=_why_not(task)) from None


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


def renew(*, worker: str, lease_seconds: float | None = None) -> dict[int, str]:
    """Extend the lease of everything a worker holds; return the dispatch id of each task, by its key.

    ``lease_seconds``: until then from now; None: as long as the setting says.

    What is missing from the answer was taken back or cancelled: the worker must stop it.
    """
    held = Task.objects.filter(worker=worker, status=TaskState.RUNNING, executor=EXTERNAL)
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
        executor=EXTERNAL,
        timeout_seconds__isnull=False,
        lease_expires_at__isnull=False,
    )
    ended = 0
    now = clock.now()
    for task in running.order_by("pk")[:BATCH]:
        limit = task.timeout_seconds
        if task.started_at is None or limit is None or task.started_at + timedelta(seconds=limit) > now:
            continue
        claim = held_claim(task_id=task.pk, dispatch_id=task.dispatch_id)
        if claim is None:
            continue
        message = f"It took longer than {limit:g} s."
        try:
            report_outcome(claim=claim, outcome=Failed(kind="timeout", message=message, retryable=True))
        except StaleDispatch:
            continue
        ended += 1
    return ended


def _check_room(task: Task) -> None:
    """Refuse to start more of an instance than its ``max_parallel``."""
    instance = Instance.objects.locked(task.instance_id)
    active = Task.objects.filter(
        instance_id=task.instance_id, status__in=[TaskState.QUEUED, TaskState.RUNNING]
    ).count()
    if instance is not None and instance.max_parallel is not None and active >= instance.max_parallel:
        why = f"{active} tasks of its instance are on their way, and no more may be at once"
        raise NotOffered(task_id=task.address, why=why)


def _why_not(task: Task) -> str:
    if task.status != TaskState.PENDING:
        return f"it is {task.status}"
    if task.executor != EXTERNAL:
        return f"it is performed by {task.executor}, not by a worker that speaks HTTP"
    if task.instance.status != InstanceState.RUNNING:
        return f"its instance is {task.instance.status}"
    return "it waits for something else first"


def _report(task: Task, outcome: Completed | Failed, worker: str | None, dispatch_id: str | None) -> None:
    claim = _held(task, worker, dispatch_id)
    try:
        report_outcome(claim=claim, outcome=outcome)
    except StaleDispatch:
        raise _not_held(task, worker) from None


def _held(task: Task, worker: str | None, dispatch_id: str | None) -> Claim:
    # What a worker inside CPDS runs is its own to report on.
    claim = (
        held_claim(task_id=task.pk, worker=worker, dispatch_id=dispatch_id)
        if task.executor == EXTERNAL
        else None
    )
    if claim is None:
        raise _not_held(task, worker)
    return claim


def _not_held(task: Task, worker: str | None) -> NotHeld:
    task.refresh_from_db()
    return NotHeld(task_id=task.address, worker=worker or "anybody", state=task.status)
