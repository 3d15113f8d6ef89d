"""``GET /api/v1/health/detailed``: what an operator asks next, for those who show who they are."""

import platform
from collections import Counter
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Annotated

import celery
import django
import psutil
from django.db import connection
from msgspec import Meta
from rest_framework.request import Request
from rest_framework.response import Response

from cpds import __version__
from cpds.api.responses.envelope import ok
from cpds.api.schema.documentation import documented
from cpds.base import clock
from cpds.base.conf import conf
from cpds.base.uptime import uptime_seconds
from cpds.base.view import Count, View
from cpds.host.health import checks
from cpds.host.health.answers import AWAY, Answers, Health
from tasks_app.api.base import Endpoint
from tasks_app.api.permissions import SIGNED_IN
from tasks_app.services.queries.overview import DepthView, queue_depth
from workers_app.fleet.describe import WorkerStatus, describe_fleet, visible_workers


class ServiceView(View):
    """A server that CPDS leans on, and how long it took to answer."""

    status: Answers
    kind: str
    latency_ms: Annotated[float, Meta(ge=0)]


class FleetView(View):
    """How many workers of the installation and of the caller's projects are in each status."""

    idle: Count
    online: Count
    busy: Count
    draining: Count
    offline: Count


class DiskView(View):
    """The file system that holds the state directory."""

    total_bytes: Count
    free_bytes: Count
    used_percent: Annotated[float, Meta(ge=0, le=100)]


class VersionsView(View):
    """What runs here."""

    cpds: str
    python: str
    django: str
    celery: str


class HealthView(View):
    """The installation as this web server sees it; null is what could not be asked."""

    status: Health
    mode: str
    uptime_seconds: Count
    versions: VersionsView
    database: ServiceView
    broker: ServiceView
    workers: FleetView | None
    tasks: DepthView | None
    disk: DiskView | None


class Detailed(Endpoint):
    """``GET /api/v1/health/detailed``."""

    needs = {"GET": SIGNED_IN}

    @documented("How the installation is", answer=HealthView)
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """Tell how everything is; 503 while the database or the broker is away."""
        database = _asked(checks.database_answers, kind=connection.vendor)
        broker = _asked(checks.broker_answers, kind=_kind_of_broker())
        reads = database.status == "connected"
        is_healthy = reads and broker.status == "connected"
        content = HealthView(
            status="healthy" if is_healthy else "unhealthy",
            mode=conf().mode,
            uptime_seconds=int(uptime_seconds()),
            versions=_versions(),
            database=database,
            broker=broker,
            workers=_fleet(self.projects()) if reads else None,
            tasks=queue_depth(projects=self.projects()) if reads else None,
            disk=_disk(),
        )
        if is_healthy:
            return ok(content)
        status = HTTPStatus.SERVICE_UNAVAILABLE
        return Response({"code": status.value, "message": AWAY, "data": content}, status=status)


def _asked(answers: Callable[[], bool], *, kind: str) -> ServiceView:
    began = clock.monotonic()
    status = "connected" if answers() else "disconnected"
    latency_ms = round((clock.monotonic() - began) * 1000, 1)
    return ServiceView(status=status, kind=kind, latency_ms=latency_ms)


def _kind_of_broker() -> str:
    return str(celery.current_app.conf.broker_url).partition(":")[0].partition("+")[0]


def _versions() -> VersionsView:
    return VersionsView(
        cpds=__version__,
        python=platform.python_version(),
        django=django.get_version(),
        celery=celery.__version__,
    )


def _fleet(projects: Collection[int] | None) -> FleetView:
    seen = describe_fleet(chosen=visible_workers(projects))
    counted = Counter(worker.status for worker in seen)
    return FleetView(**{str(status): counted[status] for status in WorkerStatus})


def _disk() -> DiskView | None:
    try:
        found = psutil.disk_usage(str(conf().state_path))
    except OSError:
        return None
    return DiskView(total_bytes=found.total, free_bytes=found.free, used_percent=found.percent)
