"""Who is there and what they do: the fleet's rows with what only other rows can tell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tasks_app.services.running import running_by_worker
from workers_app.models import Worker
from workers_app.models.worker import WorkerQuerySet
from workers_app.services.workers import silent_seconds


class WorkerStatus(StrEnum):
    """What a worker is doing. Derived each time it is asked for, and stored nowhere."""

    IDLE = "idle"
    """It is there and runs nothing."""
    ONLINE = "online"
    """It runs tasks and has slots left."""
    BUSY = "busy"
    """All its slots are taken."""
    DRAINING = "draining"
    """It finishes what it runs and takes nothing new."""
    OFFLINE = "offline"
    """It has left, or was silent for three heartbeats."""


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A worker and what it is doing now."""

    worker: Worker
    status: WorkerStatus
    running: int


def status_of(*, is_alive: bool, is_draining: bool, running: int, slots: int) -> WorkerStatus:
    """Return what a worker is doing."""
    if not is_alive:
        return WorkerStatus.OFFLINE
    if is_draining:
        return WorkerStatus.DRAINING
    if running == 0:
        return WorkerStatus.IDLE
    return WorkerStatus.BUSY if running >= slots else WorkerStatus.ONLINE


def sight(*, workers: Iterable[Worker]) -> list[Sighting]:
    """Return these workers with what they do now, in their order; two statements, however many they are."""
    rows = list(workers)
    alive = set(
        Worker.objects.filter(pk__in=[row.pk for row in rows])
        .alive(silent_seconds=silent_seconds())
        .values_list("pk", flat=True)
    )
    running = running_by_worker() if alive else {}
    return [_sighting(row, is_alive=row.pk in alive, running=running.get(row.holder, 0)) for row in rows]


def read_roster(*, chosen: WorkerQuerySet | None = None, at_most: int | None = None) -> Sequence[Sighting]:
    """Return the workers (or the ``chosen`` ones) by name, each with what it does now."""
    rows: WorkerQuerySet = Worker.objects.all() if chosen is None else chosen
    return sight(workers=rows.order_by("name", "pk")[:at_most])


def _sighting(worker: Worker, *, is_alive: bool, running: int) -> Sighting:
    return Sighting(
        worker=worker,
        status=status_of(
            is_alive=is_alive, is_draining=worker.is_draining, running=running, slots=worker.slots
        ),
        running=running,
    )
