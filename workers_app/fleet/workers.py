"""Workers as rows: register, stay alive, leave."""

import platform
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import DateTimeField, ExpressionWrapper, F

from cpds import __version__
from cpds.base import clock, db
from cpds.base.conf import conf
from tasks_app.services.access.projects import project_keys
from tasks_app.services.lookup.fleet import LiveWorker
from workers_app.errors import NameTaken
from workers_app.fleet.presence import is_worker_here
from workers_app.fleet.resources import Resources
from workers_app.models import Worker

LONGEST_PLATFORM = 100
DAY_SECONDS = 86_400.0


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What a worker says of itself when it starts."""

    name: str
    pid: int
    slots: int
    capabilities: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    queues: Sequence[str] = ()
    projects: Sequence[str] = ()
    """The slugs of the only projects it serves; none: any."""


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What operators want of a worker."""

    drain: bool
    stop: bool


def register_worker(registration: Registration) -> None:
    """Note that a worker has started under this name.

    A predecessor that left, fell silent, or ran on this machine and is dead gives
    the name away. A wish that the node takes nothing new stays in force.

    :raises NameTaken: when another worker lives under it; nothing was changed.
    """
    name, slots = registration.name, registration.slots
    with db.transaction():
        worker, is_new = Worker.objects.celery().get_or_create(name=name, defaults={"slots": slots})
        if not is_new:
            _refuse_if_alive(name, pid=registration.pid)
        Worker.objects.filter(pk=worker.pk).start(
            heartbeat_seconds=conf().heartbeat_seconds,
            host=socket.gethostname(),
            pid=registration.pid,
            slots=slots,
            platform=platform.platform()[:LONGEST_PLATFORM],
            version=__version__,
            capabilities=sorted(registration.capabilities),
            labels=dict(registration.labels),
            queues=sorted(registration.queues),
            projects=sorted(registration.projects),
        )


def _refuse_if_alive(name: str, *, pid: int) -> None:
    """Raise if the worker of this name is another living process; lock its row."""
    now = ExpressionWrapper(clock.database_now(), output_field=DateTimeField())
    alive = Worker.objects.celery().filter(name=name).alive()
    other = db.locking(alive).annotate(now=now).first()
    if other is None:
        return
    if other.host == socket.gethostname() and _is_dead_or(pid, other.pid):
        return
    raise NameTaken(
        name=name, pid=other.pid, host=other.host, seconds=(other.now - other.heartbeat_at).total_seconds()
    )


def _is_dead_or(ours: int, pid: int | None) -> bool:
    return pid is None or pid == ours or not is_worker_here(pid=pid)


def beat_worker(*, name: str, resources: Resources, completed: int = 0) -> bool:
    """Note that a worker is alive, what of its machine is in use, and how many tasks it completed since.

    :returns: whether there is a worker of this name; one that was gone for long may have been forgotten.
    """
    known = Worker.objects.celery().filter(name=name)
    return bool(
        known.beat(
            heartbeat_seconds=conf().heartbeat_seconds,
            tasks_completed=F("tasks_completed") + completed,
            **vars(resources),
        )
    )


def read_wishes(name: str) -> Wishes:
    """Return what operators want of a worker."""
    rows = Worker.objects.celery().filter(name=name).values_list("drain_requested_at", "stop_requested_at")
    drain, stop = rows.first() or (None, None)
    return Wishes(drain=drain is not None, stop=stop is not None)


def note_draining(name: str) -> None:
    """Note that a worker is stopping and takes nothing new."""
    Worker.objects.celery().filter(name=name).update(draining_at=clock.database_now())


def note_queues(*, name: str, queues: Sequence[str]) -> None:
    """Note which queues of tasks a worker consumes now."""
    Worker.objects.celery().filter(name=name).update(queues=list(queues))


def note_tools(*, name: str, tools: Mapping[str, str]) -> None:
    """Note which programs a worker found, and their versions."""
    Worker.objects.celery().filter(name=name).update(tools=dict(tools))


def retire_worker(name: str) -> None:
    """Note that a worker has stopped in good order."""
    Worker.objects.celery().filter(name=name).update(left_at=clock.database_now())


def list_live_workers() -> list[LiveWorker]:
    """Return the living workers that take tasks from the broker, by name."""
    alive = Worker.objects.celery().accepting().alive().filter(slots__gt=0)
    rows = list(alive.order_by("name").values_list("name", "slots", "capabilities", "projects"))
    key_of = project_keys({slug for *_, slugs in rows for slug in slugs})
    return [
        LiveWorker(
            holder=name,
            slots=slots,
            capabilities=frozenset(capabilities),
            projects=frozenset(key_of[slug] for slug in slugs if slug in key_of) if slugs else None,
        )
        for name, slots, capabilities, slugs in rows
    ]


def lost_holders() -> frozenset[str]:
    """Return the holders of claims that fell silent without a goodbye, not long ago.

    What others held has been taken back when their leases ran out.
    """
    lost = Worker.objects.lost(recent_seconds=conf().lease_seconds * 2)
    return frozenset(worker.holder for worker in lost.only("kind", "name", "public_id"))


def forget_workers(at_most: int) -> int:
    """Delete some of the workers offline for longer than ``worker_keep_days``; return how many.

    A worker that an operator wants drained is kept: the wish holds when it is started again.
    """
    days = conf().worker_keep_days
    if days <= 0:
        return 0
    gone = Worker.objects.gone(seconds=days * DAY_SECONDS)
    keys = list(gone.order_by("pk").values_list("pk", flat=True)[:at_most])
    # Said again: one may have come back since.
    return Worker.objects.gone(seconds=days * DAY_SECONDS).filter(pk__in=keys).delete()[0] if keys else 0
