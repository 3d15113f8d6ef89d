"""The workers of ``/api`` without a version: they report every half minute, and are gone after five."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import F

from tasks_app.services import external
from tasks_app.services.classic import assign_task
from tasks_app.services.running import held_by_workers
from workers_app.models import Worker
from workers_app.services.http_workers import (
    HttpRegistration,
    beat_http_worker,
    lease_seconds_of,
    online_http_workers,
    register_http_worker,
)
from workers_app.services.roster import Sighting, WorkerStatus, sight
from workers_app.services.slots import one_more
from workers_app.services.workers import silent_seconds

RHYTHM_SECONDS: Final = 100.0
"""Three of these are the five minutes after which such a worker counts as gone."""
MOST: Final = 1_000


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A worker, what it does, and the task it holds for longest."""

    sighting: Sighting
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
) -> Worker:
    """Note that a worker is there, under the id it chose; one that comes again keeps its row.

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
    return register_http_worker(project_id=project_id, pool=pool, registration=registration)


def assign_to(*, worker: Worker, given: str) -> Any:
    """Give a worker the pending task it asks for, and return the task.

    :raises TaskNotPending: when there is no such task, or it is not to be had.
    :raises SlotsTaken: when the worker told its slots, and all are taken.
    """
    with one_more(worker=worker):
        return assign_task(
            given=given,
            worker=worker.holder,
            capabilities=worker.capabilities,
            lease_seconds=lease_seconds_of(worker=worker),
            projects=frozenset({worker.project_id or 0}),
        )


def hear_from(*, worker: Worker) -> None:
    """Note that a worker is alive, and keeps what it holds."""
    beat_http_worker(worker=worker)
    external.renew(worker=worker.holder, lease_seconds=lease_seconds_of(worker=worker))


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
    sightings = sight(workers=rows.order_by("-registered_at", "-pk")[:MOST])
    held = held_by_workers(workers=[each.worker.holder for each in sightings])
    return [Seen(sighting=each, task=held.get(each.worker.holder)) for each in sightings]


def count_workers(*, projects: Collection[int] | None) -> dict[str, int]:
    """Return how many workers are there, and how many of them are idle and busy."""
    seen = [each.sighting.status for each in see_workers(projects=projects)]
    idle = seen.count(WorkerStatus.IDLE)
    return {"online": len(seen), "idle": idle, "busy": len(seen) - idle}
