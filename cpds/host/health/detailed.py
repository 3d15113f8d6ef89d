"""``GET /api/v1/health/detailed``: what an operator asks next, for those who show who they are."""

import platform
from collections import Counter
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Any, Final

import celery
import django
import psutil
from django.db import connection
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cpds import __version__
from cpds.api.responses.envelope import ok
from cpds.api.schema.documentation import documented
from cpds.base import clock
from cpds.base.conf import conf
from cpds.base.uptime import uptime_seconds
from cpds.host.health import checks
from tasks_app.api.base import Door
from tasks_app.api.permissions import SIGNED_IN
from tasks_app.services.queries.overview import queue_depth
from workers_app.fleet.describe import WorkerStatus, describe_fleet, visible_workers

AWAY: Final = "The database or the broker does not answer."


class ServiceShape(serializers.Serializer[Any]):
    """A server that CPDS leans on, and how long it took to answer."""

    status = serializers.ChoiceField(["connected", "disconnected"])
    kind = serializers.CharField()
    latency_ms = serializers.FloatField(min_value=0)


class FleetShape(serializers.Serializer[Any]):
    """How many workers of the installation and of the caller's projects are in each status."""

    idle = serializers.IntegerField(min_value=0)
    online = serializers.IntegerField(min_value=0)
    busy = serializers.IntegerField(min_value=0)
    draining = serializers.IntegerField(min_value=0)
    offline = serializers.IntegerField(min_value=0)


class DepthShape(serializers.Serializer[Any]):
    """The unfinished tasks of the caller's projects that nothing blocks."""

    ready = serializers.IntegerField(min_value=0)
    queued = serializers.IntegerField(min_value=0)
    running = serializers.IntegerField(min_value=0)
    waiting = serializers.IntegerField(min_value=0)


class DiskShape(serializers.Serializer[Any]):
    """The file system that holds the state directory."""

    total_bytes = serializers.IntegerField(min_value=0)
    free_bytes = serializers.IntegerField(min_value=0)
    used_percent = serializers.FloatField(min_value=0, max_value=100)


class VersionsShape(serializers.Serializer[Any]):
    """What runs here."""

    cpds = serializers.CharField()
    python = serializers.CharField()
    django = serializers.CharField()
    celery = serializers.CharField()


class HealthShape(serializers.Serializer[Any]):
    """The installation as this web server sees it; null is what could not be asked."""

    status = serializers.ChoiceField(["healthy", "unhealthy"])
    mode = serializers.CharField()
    uptime_seconds = serializers.IntegerField(min_value=0)
    versions = VersionsShape()
    database = ServiceShape()
    broker = ServiceShape()
    workers = FleetShape(allow_null=True)
    tasks = DepthShape(allow_null=True)
    disk = DiskShape(allow_null=True)


class Detailed(Door):
    """``GET /api/v1/health/detailed``."""

    needs = {"GET": SIGNED_IN}

    @documented("How the installation is", answer=HealthShape)
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """Tell how everything is; 503 while the database or the broker is away."""
        database = _asked(checks.database_answers, kind=connection.vendor)
        broker = _asked(checks.broker_answers, kind=_kind_of_broker())
        reads = database["status"] == "connected"
        is_healthy = reads and broker["status"] == "connected"
        content = {
            "status": "healthy" if is_healthy else "unhealthy",
            "mode": conf().mode,
            "uptime_seconds": int(uptime_seconds()),
            "versions": _versions(),
            "database": database,
            "broker": broker,
            "workers": _fleet(self.projects()) if reads else None,
            "tasks": queue_depth(projects=self.projects()) if reads else None,
            "disk": _disk(),
        }
        if is_healthy:
            return ok(content)
        status = HTTPStatus.SERVICE_UNAVAILABLE
        return Response({"code": status.value, "message": AWAY, "data": content}, status=status)


def _asked(answers: Callable[[], bool], *, kind: str) -> dict[str, Any]:
    began = clock.monotonic()
    status = "connected" if answers() else "disconnected"
    return {"status": status, "kind": kind, "latency_ms": round((clock.monotonic() - began) * 1000, 1)}


def _kind_of_broker() -> str:
    return str(celery.current_app.conf.broker_url).partition(":")[0].partition("+")[0]


def _versions() -> dict[str, str]:
    return {
        "cpds": __version__,
        "python": platform.python_version(),
        "django": django.get_version(),
        "celery": celery.__version__,
    }


def _fleet(projects: Collection[int] | None) -> dict[str, int]:
    seen = describe_fleet(chosen=visible_workers(projects=projects))
    counted = Counter(sighting.status for sighting in seen)
    return {str(status): counted[status] for status in WorkerStatus}


def _disk() -> dict[str, Any] | None:
    try:
        found = psutil.disk_usage(str(conf().state_path))
    except OSError:
        return None
    return {"total_bytes": found.total, "free_bytes": found.free, "used_percent": found.percent}
