"""Claims of workers over HTTP: take tasks, say how they go, end them."""

from rest_framework.request import Request
from rest_framework.response import Response

from cpds.api.requests.forms import read_body
from cpds.api.responses.envelope import no_content, ok
from cpds.api.schema.documentation import documented
from cpds.base import clock
from tasks_app.outcomes import Failed
from workers_app.api.shapes import (
    ClaimsForm,
    ClaimsShape,
    CompletionForm,
    FailureForm,
    LogsForm,
    ProgressForm,
    ReleaseForm,
    claim_view,
    report_of,
)
from workers_app.api.workers import WorkersDoor
from workers_app.transports.http import claims as http_claims
from workers_app.transports.http.workers import lease_seconds_of


class Claims(WorkersDoor):
    """``POST /api/v1/workers/{id}/claims``."""

    may_wait = True

    @documented("Claim tasks", answer=ClaimsShape, body=ClaimsForm)
    def post(self, request: Request, worker: str) -> Response:
        """Take up to ``limit`` tasks that fit; with ``wait``, as soon as there is one."""
        began = clock.monotonic()
        form = read_body(request, ClaimsForm)
        found = self.worker(worker)
        batch = http_claims.claim_batch(
            worker=found, limit=form["limit"], wait_seconds=form["wait"], kinds=form.get("kinds")
        )
        lease_seconds = lease_seconds_of(worker=found)
        claims = [claim_view(each, lease_seconds=lease_seconds) for each in batch.granted]
        return ok({"claims": claims, "waited_seconds": max(0.0, batch.began_at - began)})


class Progress(WorkersDoor):
    """``POST /api/v1/workers/{id}/claims/{token}/progress``."""

    @documented("Report progress", body=ProgressForm, status=204)
    def post(self, request: Request, worker: str, claim: str) -> Response:
        """Say how far a task is, 0 to 1."""
        form = read_body(request, ProgressForm)
        http_claims.report_progress(
            worker=self.worker(worker), token=claim, fraction=form["progress"], message=form["message"]
        )
        return no_content()


class Logs(WorkersDoor):
    """``POST /api/v1/workers/{id}/claims/{token}/logs``."""

    @documented("Add to a task's log", body=LogsForm, status=204)
    def post(self, request: Request, worker: str, claim: str) -> Response:
        """Add lines to the log, all or none."""
        form = read_body(request, LogsForm)
        http_claims.append_logs(worker=self.worker(worker), token=claim, lines=form["lines"])
        return no_content()


class Complete(WorkersDoor):
    """``POST /api/v1/workers/{id}/claims/{token}/complete``."""

    @documented("Complete a task", body=CompletionForm, status=204)
    def post(self, request: Request, worker: str, claim: str) -> Response:
        """Complete a task with its output; 409 when the claim is gone, and nothing was changed."""
        form = read_body(request, CompletionForm)
        http_claims.complete(
            worker=self.worker(worker),
            token=claim,
            output=form["output"],
            report=report_of(form.get("report")),
        )
        return no_content()


class Fail(WorkersDoor):
    """``POST /api/v1/workers/{id}/claims/{token}/fail``."""

    @documented("Report a failure", body=FailureForm, status=204)
    def post(self, request: Request, worker: str, claim: str) -> Response:
        """Report that an attempt failed; the task's ``retry`` decides what follows."""
        form = read_body(request, FailureForm)
        failure = Failed(
            kind=form["kind"],
            message=form["message"],
            retryable=form["retryable"],
            detail=form["detail"],
            report=report_of(form.get("report")),
        )
        http_claims.fail(worker=self.worker(worker), token=claim, failure=failure)
        return no_content()


class Release(WorkersDoor):
    """``POST /api/v1/workers/{id}/claims/{token}/release``."""

    @documented("Hand a task back", body=ReleaseForm, status=204)
    def post(self, request: Request, worker: str, claim: str) -> Response:
        """Hand a task back undone; nothing counts against it."""
        form = read_body(request, ReleaseForm)
        http_claims.release(worker=self.worker(worker), token=claim, reason=form["reason"])
        return no_content()
