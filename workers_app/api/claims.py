"""Claims of workers over HTTP: take tasks, say how they go, end them."""

from rest_framework.request import Request
from rest_framework.response import Response

from cpds.api.requests.forms import read_body
from cpds.api.responses.envelope import no_content, ok
from cpds.api.schema.documentation import documented
from cpds.base import clock
from tasks_app.outcomes import Completed, Failed, Interrupted
from workers_app.api.worker_forms import (
    ClaimsForm,
    CompletionForm,
    FailureForm,
    LogsForm,
    ProgressForm,
    ReleaseForm,
    report_of,
)
from workers_app.api.worker_views import ClaimsView, claim_view
from workers_app.api.workers import WorkersEndpoint
from workers_app.transports.http.claims import attempt_of, claim_batch, end
from workers_app.transports.http.workers import lease_seconds_of


class Claims(WorkersEndpoint):
    """``POST /api/v1/workers/{id}/claims``."""

    may_wait = True

    @documented("Claim tasks", answer=ClaimsView, body=ClaimsForm)
    def post(self, request: Request, worker: str) -> Response:
        """Take up to ``limit`` tasks that fit; with ``wait``, as soon as there is one."""
        began = clock.monotonic()
        form = read_body(request, ClaimsForm)
        found = self.worker(worker)
        batch = claim_batch(
            worker=found, limit=form["limit"], wait_seconds=form["wait"], kinds=form.get("kinds")
        )
        lease_seconds = lease_seconds_of(found)
        claims = [claim_view(each, lease_seconds=lease_seconds) for each in batch.granted]
        return ok(ClaimsView(claims=claims, waited_seconds=max(0.0, batch.began_at - began)))


class Progress(WorkersEndpoint):
    """``POST /api/v1/workers/{id}/claims/{token}/progress``."""

    @documented("Report progress", body=ProgressForm, status=204)
    def post(self, request: Request, worker: str, claim: str) -> Response:
        """Say how far a task is, 0 to 1."""
        form = read_body(request, ProgressForm)
        with attempt_of(worker=self.worker(worker), token=claim) as attempt:
            attempt.progress(fraction=form["progress"], message=form["message"])
        return no_content()


class Logs(WorkersEndpoint):
    """``POST /api/v1/workers/{id}/claims/{token}/logs``."""

    @documented("Add to a task's log", body=LogsForm, status=204)
    def post(self, request: Request, worker: str, claim: str) -> Response:
        """Add lines to the log, all or none."""
        form = read_body(request, LogsForm)
        with attempt_of(worker=self.worker(worker), token=claim) as attempt:
            attempt.log(lines=form["lines"])
        return no_content()


class Complete(WorkersEndpoint):
    """``POST /api/v1/workers/{id}/claims/{token}/complete``."""

    @documented("Complete a task", body=CompletionForm, status=204)
    def post(self, request: Request, worker: str, claim: str) -> Response:
        """Complete a task with its output; 409 when the claim is gone, and nothing was changed."""
        form = read_body(request, CompletionForm)
        completed = Completed(output=form["output"], report=report_of(form.get("report")))
        end(worker=self.worker(worker), token=claim, outcome=completed)
        return no_content()


class Fail(WorkersEndpoint):
    """``POST /api/v1/workers/{id}/claims/{token}/fail``."""

    @documented("Report a failure", body=FailureForm, status=204)
    def post(self, request: Request, worker: str, claim: str) -> Response:
        """Report that an attempt failed; the task's ``retry`` decides what follows."""
        form = read_body(request, FailureForm)
        failed = Failed(**{**form, "report": report_of(form.get("report"))})
        end(worker=self.worker(worker), token=claim, outcome=failed)
        return no_content()


class Release(WorkersEndpoint):
    """``POST /api/v1/workers/{id}/claims/{token}/release``."""

    @documented("Hand a task back", body=ReleaseForm, status=204)
    def post(self, request: Request, worker: str, claim: str) -> Response:
        """Hand a task back undone; nothing counts against it."""
        form = read_body(request, ReleaseForm)
        end(worker=self.worker(worker), token=claim, outcome=Interrupted(reason=form["reason"]))
        return no_content()
