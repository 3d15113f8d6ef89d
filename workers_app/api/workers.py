"""Workers: who is there, for people; register, live and leave, for workers over HTTP."""

from collections.abc import Mapping
from typing import ClassVar

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cpds.api.requests.forms import Form, read_body, read_query
from cpds.api.responses.envelope import created, no_content, ok
from cpds.api.responses.etags import unless_known
from cpds.api.responses.paging import OffsetPages
from cpds.api.schema.documentation import LIMIT, OFFSET, documented, listed
from tasks_app.api.base import Endpoint
from tasks_app.api.idempotency import once
from tasks_app.api.permissions import WORKERS, Need
from tasks_app.roles import Role
from tasks_app.services.access.callers import CallerKind
from workers_app.api.worker_forms import HeartbeatForm, RegistrationForm
from workers_app.api.worker_views import (
    PulseView,
    RegisteredView,
    WorkerView,
    pulse_view,
    registered_view,
    worker_view,
)
from workers_app.fleet.describe import (
    WorkerStatus,
    describe_worker,
    describe_workers,
    listed_workers,
    seen_at,
)
from workers_app.models import Worker, WorkerKind
from workers_app.transports.http import claims, workers


class WorkerQuery(Form):
    """Which workers."""

    status = serializers.ChoiceField(choices=[str(status) for status in WorkerStatus], required=False)
    kind = serializers.ChoiceField(choices=[str(kind) for kind in WorkerKind], required=False)


class WorkersEndpoint(Endpoint):
    """An endpoint for workers. A worker is found among those of its token's project and pool."""

    callers = WORKERS
    needs: ClassVar[Mapping[str, Need]] = {"POST": Role.VIEWER}

    def worker(self, given: str) -> Worker:
        """Return the worker of this id.

        :raises NotFound: when there is none for the caller.
        """
        pool = self.caller.pool if self.caller.kind is CallerKind.WORKER else None
        return workers.get_http_worker(given=given, projects=self.projects(), pool=pool)


class Workers(Endpoint):
    """``/api/v1/workers``."""

    needs = {"GET": Role.VIEWER}

    @documented("List workers", answer=listed(WorkerView), query=[LIMIT, OFFSET, WorkerQuery], polled=True)
    def get(self, request: Request) -> HttpResponse:
        """List the workers of one's projects and of the installation, by name."""
        asked = read_query(request, WorkerQuery)
        rows = listed_workers(projects=self.projects(), kind=asked.get("kind"))
        pages = OffsetPages()
        seen = (
            pages.paginate_queryset(seen_at(workers=rows, status=asked["status"]), request)
            if "status" in asked
            else describe_workers(pages.paginate_queryset(rows, request))
        )
        return unless_known(request, pages.get_paginated_response(map(worker_view, seen)))


class OneWorker(Endpoint):
    """``/api/v1/workers/{id}``."""

    needs = {"GET": Role.VIEWER}

    @documented("Show a worker", answer=WorkerView)
    def get(self, request: Request, worker: str) -> Response:  # noqa: ARG002
        """Show a worker, by its id or its name."""
        return ok(worker_view(describe_worker(given=worker, projects=self.projects())))


class Register(WorkersEndpoint):
    """``POST /api/v1/workers/register``."""

    @documented("Register a worker", answer=RegisteredView, body=RegistrationForm, status=201, creates=True)
    def post(self, request: Request) -> Response:
        """Make a worker known; one that comes again keeps its id, and what it held is free."""
        form = read_body(request, RegistrationForm)
        project = self.project(form.pop("project", None))
        registration = workers.HttpRegistration(worker_id=form.pop("id", None), **form)

        def make() -> Response:
            worker = workers.register_http_worker(
                project_id=project.pk, registration=registration, pool=self.caller.pool, is_restart=True
            )
            [seen] = describe_workers([worker])
            shown = registered_view(
                seen,
                heartbeat_seconds=registration.heartbeat_seconds,
                lease_seconds=workers.lease_seconds_of(worker=worker),
            )
            return created(shown, location=f"/api/v1/workers/{worker.public_id}")

        return once(self, make)


class Heartbeat(WorkersEndpoint):
    """``POST /api/v1/workers/{id}/heartbeat``."""

    @documented("Say that a worker lives", answer=PulseView, body=HeartbeatForm)
    def post(self, request: Request, worker: str) -> Response:
        """Renew the leases of the claims named; be told which of them to stop, and whether to drain."""
        form = read_body(request, HeartbeatForm)
        pulse = claims.beat(worker=self.worker(worker), tokens=form["claims"], is_draining=form["draining"])
        return ok(pulse_view(pulse))


class Leave(WorkersEndpoint):
    """``POST /api/v1/workers/{id}/leave``."""

    @documented("Leave", body=Form, status=204)
    def post(self, request: Request, worker: str) -> Response:
        """Say that a worker has stopped; what it still holds is handed back."""
        read_body(request, Form)
        workers.retire_http_worker(worker=self.worker(worker))
        return no_content()
