"""Workers that come in over HTTP: register, stay alive, leave. One register of the fleet for both kinds.

Such a worker belongs to a project and to the pool of the token it came in with, and
keeps a rhythm of its own: after three of its heartbeats without a word it is gone,
and the sweep gives what it held to others.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import IntegrityError
from django.db.models import F

from cpds.base import clock, db
from cpds.base.conf import conf
from cpds.base.statements import ModelStatement
from tasks_app.errors import NotFound
from tasks_app.outcomes import JSON
from tasks_app.services.lookup.running import held_among
from tasks_app.services.maintenance.sweep import free_claims_of
from workers_app.errors import UnusableWorkerId, WorkerIdTaken
from workers_app.fleet.workers import LONGEST_PLATFORM
from workers_app.models import Worker, WorkerKind, identifiers
from workers_app.models.sql import FOLDER
from workers_app.models.worker import HEARTBEAT_SECONDS, SILENT_BEATS, WorkerQuerySet

UNTOLD_SLOTS: Final = 1
"""What one that does not tell its own is taken to have where slots are counted."""
MOST_SLOTS: Final = 10_000
FRESH: Final = 0.25
"""Of a worker's rhythm: a word that is no older than that stands for the next."""
SHORTEST_HEARTBEAT: Final = 0.2
LONGEST_HEARTBEAT: Final = 600.0
WORKER_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}\Z")
"""What a worker may call itself. Without ``@``, which is in every name of a Celery worker."""
LISTING: Final = "GET /api/v1/workers"


@dataclass(frozen=True, kw_only=True)
class HttpRegistration:
    """What a worker says of itself.

    ``worker_id`` None: it is known by its name, and gets an id. ``slots`` None: it
    does not say how many tasks it runs at once, and is given as many as it asks for.
    """

    name: str
    worker_id: str | None = None
    host: str = ""
    platform: str = ""
    version: str = ""
    slots: int | None = None
    capabilities: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, JSON] = field(default_factory=dict)
    heartbeat_seconds: float = HEARTBEAT_SECONDS


def register_http_worker(
    *,
    project_id: int,
    registration: HttpRegistration,
    pool: str = "",
    is_restart: bool = False,
    still_at: Collection[str] = (),
) -> Worker:
    """Note that a worker is there; one that was there before keeps its id and its wishes.

    What a predecessor under the same id or name held is free at once if it was gone
    already; with ``is_restart`` also if it was not, since it cannot run beside this one.
    What it names in ``still_at``, by ids or numbers, it keeps.

    :raises UnusableWorkerId: when its id is none that a worker may have.
    :raises WorkerIdTaken: when it belongs to another project or pool, or to no HTTP worker.
    """
    if registration.worker_id is not None and not WORKER_ID.match(registration.worker_id):
        raise UnusableWorkerId(given=registration.worker_id[:100])
    try:
        with db.transaction():
            worker, was_alive = _noted(project_id, registration, pool)
    except IntegrityError:  # somebody else was faster: now there is one to be found
        with db.transaction():
            worker, was_alive = _noted(project_id, registration, pool)
    if is_restart or not was_alive:
        # A caller may have a transaction open, to store its answer; what is freed is published at once.
        db.run_when_committed(lambda: _free(worker.holder, still_at))
    return worker


def _free(holder: str, still_at: Collection[str]) -> None:
    kept = held_among(worker=holder, given=still_at) if still_at else ()
    free_claims_of(worker=holder, but=[fence.task_id for fence in kept])


def get_http_worker(*, given: str, projects: Collection[int] | None, pool: str | None = None) -> Worker:
    """Return the HTTP worker of this id in one of the ``projects`` (None: in any).

    ``pool``: only one of this pool (None: of any); what is another's does not exist.

    :raises NotFound: when there is none.
    """
    found = get_http_worker_or_none(given=given, projects=projects, pool=pool)
    if found is None:
        raise NotFound(kind="worker", given=given, listing=LISTING)
    return found


def get_http_worker_or_none(
    *, given: str, projects: Collection[int] | None, pool: str | None = None
) -> Worker | None:
    """Return the same, None when there is none."""
    found = _KNOWN.found(worker_id=given) if WORKER_ID.match(given) else []
    if not found or (projects is not None and found[0].project_id not in projects):
        return None
    return found[0] if pool is None or found[0].pool == pool else None


def _known(worker_id: str) -> WorkerQuerySet:
    rows: WorkerQuerySet = Worker.objects.http().select_related("project").filter(public_id=worker_id)
    return rows


_KNOWN: ModelStatement[Worker] = ModelStatement(
    "find_http_worker", folder=FOLDER, model=Worker, along=("project",), otherwise=_known
)


def beat_http_worker(*, worker: Worker, facts: Mapping[str, Any] | None = None) -> None:
    """Note that a worker is alive. ``facts``: what else changed of its row."""
    Worker.objects.filter(pk=worker.pk).beat(heartbeat_seconds=worker.heartbeat_seconds, **(facts or {}))


def note_word_of(worker: Worker) -> None:
    """Note that a worker is alive, if it was not a moment ago: whatever it asks or says tells so.

    One that has left does not come back by it.
    """
    # This process's clock decides only whether to write, and one that is wrong makes it write more often.
    age = abs((clock.now() - worker.heartbeat_at).total_seconds())
    if age <= FRESH * worker.heartbeat_seconds:
        return
    there = Worker.objects.filter(pk=worker.pk, left_at__isnull=True)
    there.beat(heartbeat_seconds=worker.heartbeat_seconds)
    worker.heartbeat_at = clock.now()


def count_completed(worker: Worker) -> None:
    """Count one more task that a worker completed."""
    Worker.objects.filter(pk=worker.pk).update(tasks_completed=F("tasks_completed") + 1)


def retire_http_worker(worker: Worker) -> int:
    """Note that a worker has left, and hand back what it held; return how many tasks."""
    Worker.objects.filter(pk=worker.pk).update(left_at=clock.database_now())
    return free_claims_of(worker=worker.holder)


def is_http_worker_online(project_id: int) -> bool:
    """Return whether a worker of the project that speaks HTTP is there and takes tasks."""
    return online_http_workers([project_id]).accepting().exists()


def abilities_by_project(project_ids: Collection[int]) -> dict[int, list[frozenset[str]]]:
    """Return the capabilities of each worker of these projects that is there and takes tasks."""
    found: dict[int, list[frozenset[str]]] = {}
    rows = online_http_workers(project_ids).accepting().order_by("pk")
    for project_id, capabilities in rows.values_list("project_id", "capabilities"):
        found.setdefault(project_id or 0, []).append(frozenset(capabilities))
    return found


def online_http_workers(projects: Collection[int] | None) -> WorkerQuerySet:
    """Return the HTTP workers of these projects (None: of all) that are there."""
    rows: WorkerQuerySet = Worker.objects.http().alive()
    return rows if projects is None else rows.filter(project_id__in=sorted(projects))


def lease_seconds_of(worker: Worker) -> float:
    """Return how long the claims of a worker last unrenewed: three of its heartbeats, or the setting."""
    return max(conf().lease_seconds, worker.heartbeat_seconds * SILENT_BEATS)


def _noted(project_id: int, registration: HttpRegistration, pool: str) -> tuple[Worker, bool]:
    """Return the worker that has registered, and whether it was there already."""
    slots = UNTOLD_SLOTS if registration.slots is None else registration.slots
    before, was_alive = _before(project_id, registration), False
    if before is not None:
        was_alive = online_http_workers(projects=None).filter(pk=before.pk).exists()
        is_own = before.kind == WorkerKind.HTTP and before.project_id == project_id
        if not is_own or (before.pool != pool and (was_alive or registration.worker_id is not None)):
            raise WorkerIdTaken(given=registration.worker_id or registration.name)
    # Made plain first: an expression of the database's clock is an update's, not a row's.
    worker = before or Worker.objects.create(
        public_id=registration.worker_id or identifiers.worker_id(),
        kind=WorkerKind.HTTP,
        project_id=project_id,
        slots=slots,
    )
    Worker.objects.filter(pk=worker.pk).start(
        heartbeat_seconds=registration.heartbeat_seconds,
        pool=pool,
        name=registration.name,
        host=registration.host,
        platform=registration.platform[:LONGEST_PLATFORM],
        version=registration.version,
        slots=slots,
        is_limited=registration.slots is not None,
        capabilities=sorted(set(registration.capabilities)),
        labels=dict(registration.labels),
        tools=dict(registration.tools),
        metadata=dict(registration.metadata),
    )
    return Worker.objects.get(pk=worker.pk), was_alive


def _before(project_id: int, registration: HttpRegistration) -> Worker | None:
    """Return the worker that this one was before, its row locked."""
    if registration.worker_id is not None:
        return db.locking(Worker.objects.filter(public_id=registration.worker_id)).first()
    named = Worker.objects.http().filter(project_id=project_id, name=registration.name)
    return db.locking(named).order_by("-heartbeat_at", "-pk").first()
