"""The workers of ``/api`` without a version: they report every half minute, and are gone after five."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from tasks_app.api.compat.cpds.words import WHOLE
from tasks_app.errors import NotFound, NotHeld, NotOffered, StaleDispatch, TaskNotPending
from tasks_app.outcomes import Outcome
from tasks_app.services.attempts.attempt import Attempt
from tasks_app.services.attempts.claims import Claim, held_claim
from tasks_app.services.attempts.leases import renew_claims
from tasks_app.services.http_workers.assigning import assign
from tasks_app.services.lookup.by_name import find_task
from tasks_app.services.lookup.http_workers import NODE_SIGN
from tasks_app.services.lookup.running import held_among, held_by_workers
from tasks_app.states import EXTERNAL, TaskState
from workers_app.errors import WorkerDraining
from workers_app.fleet.describe import DescribedWorker, WorkerStatus, describe_workers
from workers_app.models import Worker
from workers_app.transports.http.claims import take_one
from workers_app.transports.http.workers import (
    HttpRegistration,
    beat_http_worker,
    count_completed,
    lease_seconds_of,
    note_word_of,
    online_http_workers,
    register_http_worker,
)

RHYTHM_SECONDS: Final = 100.0
"""Three of these are the five minutes after which such a worker counts as gone."""
MOST: Final = 1_000
NOT_PENDING: Final = "Task not found or not pending"
"""Word for word what the documents of these clients say."""
UNNAMED: Final = "unnamed"
"""Who holds a task that somebody reports on who neither took it nor says who they are."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A worker, what it does, and the task it holds for longest."""

    described: DescribedWorker
    task: Any | None


def register_compat_worker(
    *,
    project_id: int,
    pool: str,
    worker_id: str,
    name: str,
    platform: str = "",
    capabilities: Sequence[str] = (),
    slots: int | None = None,
    metadata: Mapping[str, Any] | None = None,
    still_at: Collection[str] = (),
) -> Worker:
    """Note that a worker is there, under the id it chose; one that comes again keeps its row.

    It is one started anew: what it held is free at once, but for the tasks it names in ``still_at``.
    ``slots`` None: it does not say how many tasks it runs at once, and may take any number.

    :raises WorkerIdTaken: when it belongs to another project or pool, or to no HTTP worker.
    """
    registration = HttpRegistration(
        name=name,
        worker_id=worker_id,
        platform=platform,
        capabilities=capabilities,
        slots=slots,
        metadata=metadata or {},
        heartbeat_seconds=RHYTHM_SECONDS,
    )
    worker = register_http_worker(
        project_id=project_id, pool=pool, registration=registration, is_restart=True, still_at=still_at
    )
    if still_at:
        hear_from(worker=worker)
    return worker


def assign_to(*, worker: Worker, given: str) -> Any:
    """Give a worker the pending task it asks for, and return the task.

    :raises TaskNotPending: when there is no such task, or it is not to be had.
    :raises WorkerDraining: when the worker takes nothing new.
    :raises SlotsTaken: when the worker told its slots, and all are taken.
    """
    if worker.is_draining:
        raise WorkerDraining(worker=worker.public_id)
    note_word_of(worker)
    try:
        task = find_task(given=given, projects=frozenset({worker.project_id or 0}))
        take_one(worker=worker, task=task)
    except (NotFound, NotOffered):
        raise TaskNotPending(told=NOT_PENDING) from None
    return task


def assign_unasked(*, worker: Worker, task: Any) -> None:
    """Give a worker a pending task it reports on without having asked for it, as if it had.

    One that does one task and leaves does not ask; and so a task comes back that was
    taken from a worker slow to report. What it may not have stays as it is, and its word is refused.

    :raises WorkerDraining: when the worker takes nothing new.
    :raises SlotsTaken: when the worker told its slots, and all are taken.
    """
    if _is_offered(task):
        with suppress(TaskNotPending):
            assign_to(worker=worker, given=task.address)


def hear_from(*, worker: Worker, still_at: Collection[str] | None = None) -> None:
    """Note that a worker is alive, and keeps what it holds.

    ``still_at``: the ids or numbers of the tasks it works on, only these are kept; None: all that it holds.
    """
    beat_http_worker(worker=worker)
    kept = None if still_at is None else held_among(worker=worker.holder, given=still_at)
    renew_claims(worker=worker.holder, claims=kept, lease_seconds=lease_seconds_of(worker))


def report_per_cent(*, task: Any, per_cent: float, message: str = "", worker: Worker | None = None) -> None:
    """Note how far a task is, 0 to 100. Without ``worker``: for whoever holds it, or takes it by that.

    :raises NotHeld: when it does not run, or not for this worker.
    """
    with _attempt_at(task, worker) as attempt:
        attempt.progress(fraction=per_cent / WHOLE, message=message)


def end_task(*, task: Any, outcome: Outcome, worker: Worker | None = None) -> None:
    """Complete or fail a task. Without ``worker``: for whoever holds it, or takes it by that.

    :raises NotHeld: when it does not run, or not for this worker.
    """
    with _attempt_at(task, worker) as attempt:
        if attempt.end(outcome=outcome) and worker is not None:
            count_completed(worker)


def see_workers(projects: Collection[int] | None) -> list[Seen]:
    """Return the workers that are there, the newest first: those over HTTP of these projects.

    None: of all projects, and Celery's too, which belong to none.
    """
    rows = online_http_workers(projects)
    if projects is None:
        rows = Worker.objects.alive()
    described = describe_workers(rows.order_by("-registered_at", "-pk")[:MOST])
    held = held_by_workers([each.worker.holder for each in described])
    return [Seen(described=each, task=held.get(each.worker.holder)) for each in described]


def count_workers(projects: Collection[int] | None) -> dict[str, int]:
    """Return how many workers are there, and how many of them are idle and busy."""
    seen = [each.described.status for each in see_workers(projects)]
    idle = seen.count(WorkerStatus.IDLE)
    return {"online": len(seen), "idle": idle, "busy": len(seen) - idle}


@contextmanager
def _attempt_at(task: Any, worker: Worker | None) -> Iterator[Attempt]:
    holder = None if worker is None else worker.holder
    taken = _take_unnamed(task) if holder is None else None
    claim = taken or held_claim(task_id=task.pk, worker=holder)
    # What a worker inside CPDS runs is its own to report on.
    if claim is None or (task.executor != EXTERNAL and NODE_SIGN in claim.worker):
        raise _not_held(task, holder)
    try:
        yield Attempt.of(claim)
    except StaleDispatch:
        raise _not_held(task, holder) from None


def _not_held(task: Any, holder: str | None) -> NotHeld:
    task.refresh_from_db()
    return NotHeld(task_id=task.address, worker=holder or "anybody", state=task.status)


def _take_unnamed(task: Any) -> Claim | None:
    """Take a task that somebody reports on who neither took it nor says who they are."""
    if not _is_offered(task):
        return None
    # Else somebody else has it, or it waits: what is reported is refused for what it is.
    with suppress(NotOffered):
        return assign(task=task, worker=UNNAMED)
    return None


def _is_offered(task: Any) -> bool:
    """Return whether a task waits for workers that speak HTTP, and for nobody else."""
    return bool(task.status == TaskState.PENDING and task.executor == EXTERNAL)
