"""The workers of ``/api`` without a version: they report every half minute, and are gone after five."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import F

from tasks_app.api.compat.cpds.acts import assign_task, is_offered
from tasks_app.errors import TaskNotPending
from tasks_app.services.http_workers import external
from tasks_app.services.lookup.running import held_among, held_by_workers
from workers_app.errors import WorkerDraining
from workers_app.fleet.describe import WorkerStatus, WorkerView, describe_workers
from workers_app.fleet.workers import silent_seconds
from workers_app.models import Worker
from workers_app.transports.http.slots import reserve_slot
from workers_app.transports.http.workers import (
    HttpRegistration,
    beat_http_worker,
    lease_seconds_of,
    note_word_of,
    online_http_workers,
    register_http_worker,
)

RHYTHM_SECONDS: Final = 100.0
"""Three of these are the five minutes after which such a worker counts as gone."""
MOST: Final = 1_000


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A worker, what it does, and the task it holds for longest."""

    sighting: WorkerView
    task: Any | None


def register_classic_worker(
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
    note_word_of(worker=worker)
    with reserve_slot(worker=worker):
        return assign_task(
            given=given,
            worker=worker.holder,
            capabilities=worker.capabilities,
            lease_seconds=lease_seconds_of(worker=worker),
            projects=frozenset({worker.project_id or 0}),
        )


def assign_unasked(*, worker: Worker, task: Any) -> None:
    """Give a worker a pending task it reports on without having asked for it, as if it had.

    One that does one task and leaves does not ask; and so a task comes back that was
    taken from a worker slow to report. What it may not have stays as it is, and its word is refused.

    :raises WorkerDraining: when the worker takes nothing new.
    :raises SlotsTaken: when the worker told its slots, and all are taken.
    """
    if not is_offered(task=task):
        return
    try:
        assign_to(worker=worker, given=task.address)
    except TaskNotPending:
        return


def hear_from(*, worker: Worker, still_at: Collection[str] | None = None) -> None:
    """Note that a worker is alive, and keeps what it holds.

    ``still_at``: the ids or numbers of the tasks it works on, only these are kept; None: all that it holds.
    """
    beat_http_worker(worker=worker)
    kept = None if still_at is None else held_among(worker=worker.holder, given=still_at)
    external.renew(worker=worker.holder, lease_seconds=lease_seconds_of(worker=worker), task_ids=kept)


def count_completed(*, worker: Worker) -> None:
    """Count one more task that a worker completed."""
    Worker.objects.filter(pk=worker.pk).update(tasks_completed=F("tasks_completed") + 1)


def see_workers(*, projects: Collection[int] | None) -> list[Seen]:
    """Return the workers that are there, the newest first: those over HTTP of these projects.

    None: of all projects, and Celery's too, which belong to none.
    """
    rows = online_http_workers(projects=projects)
    if projects is None:
        rows = Worker.objects.alive(silent_seconds=silent_seconds())
    sightings = describe_workers(workers=rows.order_by("-registered_at", "-pk")[:MOST])
    held = held_by_workers(workers=[each.worker.holder for each in sightings])
    return [Seen(sighting=each, task=held.get(each.worker.holder)) for each in sightings]


def count_workers(*, projects: Collection[int] | None) -> dict[str, int]:
    """Return how many workers are there, and how many of them are idle and busy."""
    seen = [each.sighting.status for each in see_workers(projects=projects)]
    idle = seen.count(WorkerStatus.IDLE)
    return {"online": len(seen), "idle": idle, "busy": len(seen) - idle}
