"""Who is there and what they do: the fleet's rows with what only other rows can tell."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.db.models import Q

from tasks_app.errors import NotFound
from tasks_app.services.lookup.running import running_by_worker
from workers_app.models import Worker
from workers_app.models.worker import WorkerQuerySet

MOST_SIGHTED: Final = 10_000


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
class DescribedWorker:
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


def describe_workers(workers: Iterable[Worker]) -> list[DescribedWorker]:
    """Return these workers with what they do now, in their order; two statements, however many they are."""
    rows = list(workers)
    alive = set(Worker.objects.filter(pk__in=[row.pk for row in rows]).alive().values_list("pk", flat=True))
    running = running_by_worker() if alive else {}
    return [_described(row, is_alive=row.pk in alive, running=running.get(row.holder, 0)) for row in rows]


def describe_fleet(
    *, chosen: WorkerQuerySet | None = None, at_most: int | None = None
) -> Sequence[DescribedWorker]:
    """Return the workers (or the ``chosen`` ones) by name, each with what it does now."""
    rows: WorkerQuerySet = Worker.objects.all() if chosen is None else chosen
    return describe_workers(rows.order_by("name", "pk")[:at_most])


def listed_workers(*, projects: Collection[int] | None, kind: str | None = None) -> WorkerQuerySet:
    """Return the workers by name.

    Of ``projects`` (None: of all) and of the installation, which everybody's tasks may meet.
    """
    rows = visible_workers(projects)
    if kind is not None:
        rows = rows.filter(kind=kind)
    return rows.select_related("project").order_by("name", "pk")


def seen_at(*, workers: WorkerQuerySet, status: str) -> Sequence[DescribedWorker]:
    """Return those of the workers that do this now. It stands in no row, so all have to be looked at."""
    return [each for each in describe_workers(workers[:MOST_SIGHTED]) if each.status == status]


def describe_worker(*, given: str, projects: Collection[int] | None) -> DescribedWorker:
    """Return a worker by its id or its name, with what it does now.

    :raises NotFound: when there is none in these projects (None: in any) or of the installation.
    """
    rows = visible_workers(projects).select_related("project")
    worker = rows.filter(public_id=given).first() or rows.filter(name=given).order_by("-heartbeat_at").first()
    if worker is None:
        raise NotFound(kind="worker", given=given, listing="GET /api/v1/workers")
    [seen] = describe_workers([worker])
    return seen


def visible_workers(projects: Collection[int] | None) -> WorkerQuerySet:
    """Return the workers of the installation and of ``projects`` (None: of all)."""
    rows: WorkerQuerySet = Worker.objects.all()
    if projects is None:
        return rows
    return rows.filter(Q(project__isnull=True) | Q(project_id__in=sorted(projects)))


def _described(worker: Worker, *, is_alive: bool, running: int) -> DescribedWorker:
    return DescribedWorker(
        worker=worker,
        status=status_of(
            is_alive=is_alive, is_draining=worker.is_draining, running=running, slots=worker.slots
        ),
        running=running,
    )
