"""Workers as rows: register, stay alive, leave."""

import platform
import socket

from django.db.models import DateTimeField, ExpressionWrapper, Sum

from cpds import __version__
from cpds.base import clock, db
from cpds.base.conf import conf
from workers_app.errors import NameTaken
from workers_app.models import Worker
from workers_app.services.presence import is_worker_here

SILENT_BEATS = 3


def silent_seconds() -> float:
    """Return how long a worker may be silent before it counts as gone."""
    return conf().heartbeat_seconds * SILENT_BEATS


def register_worker(*, name: str, pid: int, slots: int) -> None:
    """Note that a worker has started under this name.

    A predecessor that left, fell silent, or ran on this machine and is dead gives
    the name away.

    :raises NameTaken: when another worker lives under it; nothing was changed.
    """
    facts = {
        "host": socket.gethostname(),
        "pid": pid,
        "slots": slots,
        "platform": platform.platform(),
        "version": __version__,
        "started_at": clock.database_now(),
        "heartbeat_at": clock.database_now(),
        "left_at": None,
    }
    defaults = {key: fact for key, fact in facts.items() if key not in {"started_at", "heartbeat_at"}}
    with db.transaction():
        worker, is_new = Worker.objects.celery().get_or_create(name=name, defaults=defaults)
        if not is_new:
            _refuse_if_alive(name, pid=pid)
            Worker.objects.filter(pk=worker.pk).update(**facts)


def _refuse_if_alive(name: str, *, pid: int) -> None:
    """Raise if the worker of this name is another living process; lock its row."""
    now = ExpressionWrapper(clock.database_now(), output_field=DateTimeField())
    alive = Worker.objects.celery().filter(name=name).alive(silent_seconds=silent_seconds())
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


def beat_worker(*, name: str) -> None:
    """Note that a worker is alive."""
    Worker.objects.celery().filter(name=name).update(heartbeat_at=clock.database_now(), left_at=None)


def retire_worker(*, name: str) -> None:
    """Note that a worker has stopped in good order."""
    Worker.objects.celery().filter(name=name).update(left_at=clock.database_now())


def slots_alive() -> int:
    """Return how many tasks the living workers run at once, all together."""
    alive = Worker.objects.celery().taking().alive(silent_seconds=silent_seconds())
    return int(alive.aggregate(total=Sum("slots"))["total"] or 0)
