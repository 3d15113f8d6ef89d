"""Workers as rows: register, stay alive, leave."""

import platform
import socket

from django.db.models import Sum

from cpds import __version__
from cpds.base import clock, db
from cpds.base.conf import conf
from workers_app.models import Worker

SILENT_BEATS = 3


def silent_seconds() -> float:
    """Return how long a worker may be silent before it counts as gone."""
    return conf().renew_seconds * SILENT_BEATS


def register_worker(*, name: str, pid: int, slots: int) -> None:
    """Note that a worker has started under this name."""
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
    with db.transaction():
        if not Worker.objects.filter(name=name).update(**facts):
            facts.pop("started_at")
            facts.pop("heartbeat_at")
            Worker.objects.get_or_create(name=name, defaults=facts)


def beat_worker(*, name: str) -> None:
    """Note that a worker is alive."""
    Worker.objects.filter(name=name).update(heartbeat_at=clock.database_now(), left_at=None)


def retire_worker(*, name: str) -> None:
    """Note that a worker has stopped in good order."""
    Worker.objects.filter(name=name).update(left_at=clock.database_now())


def slots_alive() -> int:
    """Return how many tasks the living workers run at once, all together."""
    alive = Worker.objects.alive(silent_seconds=silent_seconds())
    return int(alive.aggregate(total=Sum("slots"))["total"] or 0)
