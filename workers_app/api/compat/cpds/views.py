"""``/api`` without a version, the workers' part: register, stay alive, take tasks and report on them."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cpds import __version__
from cpds.api.errors import Flaw
from cpds.api.requests.forms import Form, read_body, read_query
from cpds.api.responses.envelope import COMPAT, compat
from cpds.api.responses.etags import unless_known
from cpds.api.schema.documentation import documented
from cpds.base.uptime import uptime_seconds, uptime_text
from tasks_app.api.base import CompatEndpoint
from tasks_app.api.compat.cpds.acts import known_task
from tasks_app.api.compat.cpds.shapes import CompatTasksView, SaidView, compat_tasks
from tasks_app.api.compat.cpds.words import FAILED, STATUSES, status_word
from tasks_app.api.idempotency import once
from tasks_app.api.permissions import BOTH
from tasks_app.outcomes import Completed, Failed, Outcome
from tasks_app.roles import Role
from tasks_app.services.access.callers import CallerKind
from tasks_app.services.control.task_lists import counts_by_state
from workers_app.api.compat.cpds.acts import (
    assign_to,
    assign_unasked,
    count_workers,
    end_task,
    hear_from,
    register_compat_worker,
    report_per_cent,
    see_workers,
)
from workers_app.api.compat.cpds.shapes import (
    AssignedView,
    CompatWorkersView,
    StatusView,
    WorkerSaidView,
    compat_worker,
)
from workers_app.errors import FieldsMissing
from workers_app.models import Worker
from workers_app.transports.http.claims import WORKER_ERROR, pending_for
from workers_app.transports.http.long_polls import LONGEST_SECONDS
from workers_app.transports.http.workers import MOST_SLOTS, get_http_worker, get_http_worker_or_none

TAGS: Final = ["Workers (CPDS)"]
LONGEST_NAME: Final = 200
MOST: Final = 1_000


def _text(**more: Any) -> Any:
    return serializers.CharField(required=False, allow_null=True, allow_blank=True, **more)


def _task_ids(help_text: str) -> Any:
    task_id = serializers.CharField(max_length=200)
    return serializers.ListField(
        child=task_id, required=False, allow_null=True, max_length=MOST, help_text=help_text
    )


class CompatForm(Form):
    """A body of a documented client: keys that are not known here are passed over."""

    takes_others = True


class CompatRegistration(CompatForm):
    """A worker that is there. ``worker_name`` may be called ``name``.

    Without ``slots`` it may take any number of tasks.
    """

    worker_id = serializers.RegexField(
        r"\A[A-Za-z0-9][A-Za-z0-9._:-]{0,99}\Z", required=False, allow_null=True, allow_blank=True
    )
    worker_name = _text(max_length=LONGEST_NAME)
    name = _text(max_length=LONGEST_NAME)
    platform = _text(max_length=100)
    capabilities = serializers.ListField(
        child=serializers.CharField(max_length=64), required=False, allow_null=True, max_length=200
    )
    slots = serializers.IntegerField(min_value=1, max_value=MOST_SLOTS, required=False, allow_null=True)
    metadata = serializers.DictField(required=False, allow_null=True)
    task_ids = _task_ids("tasks it goes on with; any other that it held is free")


class WorkerNamed(CompatForm):
    """A worker."""

    worker_id = _text()


class Heartbeating(WorkerNamed):
    """A worker that is alive."""

    task_ids = _task_ids("tasks it works on; only these are kept for it. Without: all that it holds")


class Assignment(WorkerNamed):
    """A task, and the worker that takes it."""

    task_id = _text()


class ProgressNote(Assignment):
    """How far a task is, in per cent. Only who holds it may say so, if ``worker_id`` is there."""

    progress = serializers.FloatField(min_value=0, max_value=100, required=False, allow_null=True)
    message = _text(max_length=10_000, trim_whitespace=False)


class Completion(Assignment):
    """What came of a task: ``output`` or ``result``, or an ``error``, or the ``status`` failed."""

    output = serializers.JSONField(required=False, allow_null=True)
    result = serializers.JSONField(required=False, allow_null=True)
    error = serializers.JSONField(required=False, allow_null=True)
    status = _text(max_length=40)


class PendingQuery(Form):
    """How many, for which worker (it is shown what it can do), and how long to wait until there is one."""

    limit = serializers.IntegerField(min_value=1, max_value=MOST, default=10)
    worker_id = serializers.CharField(required=False)
    wait = serializers.FloatField(
        min_value=0, max_value=LONGEST_SECONDS, default=0, help_text="seconds to wait until there is a task"
    )


class ForWorkers(CompatEndpoint):
    """An endpoint for workers, and for people who speak for one."""

    needs = {"POST": Role.OPERATOR}
    callers = BOTH
    missing: ClassVar[str] = ""

    def read(self, form: type[Form], *needed: str) -> dict[str, Any]:
        """Return a body's values without those that are null.

        :raises FieldsMissing: in the words of this endpoint, when one that is needed is not there.
        """
        given = {name: value for name, value in read_body(self.request, form).items() if value is not None}
        absent = [name for name in needed if not given.get(name)]
        if absent:
            flaws = [
                Flaw(pointer=f"/{name}", code="required", detail="This field is required.") for name in absent
            ]
            raise FieldsMissing(what=self.missing, flaws=flaws)
        return given

    def worker(self, given: str) -> Worker:
        """Return a worker that this caller may speak for."""
        pool = self.caller.pool if self.caller.kind is CallerKind.WORKER else None
        found = get_http_worker(given=given, projects=self.projects(), pool=pool)
        self.require(found.project_id or 0, kind="worker", given=given)
        return found

    def speaker(self, given: str | None, task: Any) -> Worker | None:
        """Return the worker that reports on a task: the one a body names.

        That one is heard of with this, and keeps the task. Where it names none: the holder, if that is
        one of a worker's token; None for a person.

        :raises FieldsMissing: when a worker's token speaks of a task that none of its workers holds.
        """
        if given:
            found = self.worker(given)
            hear_from(worker=found, still_at=[str(task.pk)])
            assign_unasked(worker=found, task=task)
            return found
        if self.caller.kind is not CallerKind.WORKER:
            return None
        holder = get_http_worker_or_none(
            given=task.worker or "", projects={task.project_id}, pool=self.caller.pool
        )
        if holder is None:
            flaw = Flaw(pointer="/worker_id", code="required", detail="No worker of this token holds it.")
            raise FieldsMissing(what="worker_id is required", flaws=[flaw])
        return holder

    def task(self, given: str) -> Any:
        """Return a task of one of the caller's projects, in which they have the method's role."""
        found = known_task(given=given, projects=self.projects())
        self.require(found.project_id, kind="task", given=given)
        return found


class RegisterWorker(ForWorkers):
    """``POST /api/workers/register``."""

    missing = "Missing required fields"

    @documented(
        "Register a worker",
        answer=WorkerSaidView,
        body=CompatRegistration,
        creates=True,
        envelope=COMPAT,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """Note that a worker is there. It is gone after five minutes without a word."""
        given = self.read(CompatRegistration, "worker_id")
        name = given.get("worker_name") or given.get("name")
        if not name:
            flaw = Flaw(pointer="/worker_name", code="required", detail="This field is required.")
            raise FieldsMissing(what=self.missing, flaws=[flaw])
        project = self.project()

        def make() -> Response:
            worker = register_compat_worker(
                project_id=project.pk,
                pool=self.caller.pool,
                worker_id=given["worker_id"],
                name=name,
                platform=given.get("platform", ""),
                capabilities=given.get("capabilities", ()),
                slots=given.get("slots"),
                metadata=given.get("metadata"),
                still_at=given.get("task_ids", ()),
            )
            said = WorkerSaidView(worker_id=worker.public_id, message="Worker registered successfully")
            return compat(said)

        return once(self, make)


class WorkerHeartbeat(ForWorkers):
    """``POST /api/workers/heartbeat``."""

    missing = "worker_id is required"

    @documented("Send a heartbeat", answer=SaidView, body=Heartbeating, envelope=COMPAT, tags=TAGS)
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """Note that a worker is alive and keeps what it holds."""
        given = self.read(Heartbeating, "worker_id")
        hear_from(worker=self.worker(given["worker_id"]), still_at=given.get("task_ids"))
        return compat(SaidView(message="Heartbeat received"))


class CompatWorkers(CompatEndpoint):
    """``GET /api/workers``."""

    needs = {"GET": Role.VIEWER}
    callers = BOTH

    @documented("List online workers", answer=CompatWorkersView, envelope=COMPAT, tags=TAGS)
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """List the workers that are there, the newest first; Celery's too for who may see all projects."""
        workers = [compat_worker(each) for each in see_workers(self.projects())]
        return compat(CompatWorkersView(workers=workers, count=len(workers)))


class PendingTasks(CompatEndpoint):
    """``GET /api/tasks/pending``."""

    may_wait = True
    needs = {"GET": Role.VIEWER}
    callers = BOTH

    @documented(
        "List pending tasks",
        answer=CompatTasksView,
        query=[PendingQuery],
        polled=True,
        envelope=COMPAT,
        tags=TAGS,
    )
    def get(self, request: Request) -> HttpResponse:
        """List what a worker may take now: high, medium and low, in each the oldest first."""
        query = read_query(request, PendingQuery)
        project = self.project()
        pool = self.caller.pool if self.caller.kind is CallerKind.WORKER else None
        worker = get_http_worker_or_none(given=query.get("worker_id", ""), projects={project.pk}, pool=pool)
        tasks = pending_for(project=project, worker=worker, limit=query["limit"], wait_seconds=query["wait"])
        return unless_known(request, compat(compat_tasks(tasks)))


class AssignTask(ForWorkers):
    """``POST /api/tasks/assign``."""

    missing = "task_id and worker_id are required"

    @documented("Assign a task", answer=AssignedView, body=Assignment, envelope=COMPAT, tags=TAGS)
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """Give a pending task to a worker; of any number that ask for it one gets it."""
        given = self.read(Assignment, "task_id", "worker_id")
        worker = self.worker(given["worker_id"])
        task = assign_to(worker=worker, given=given["task_id"])
        message = "Task assigned successfully"
        return compat(AssignedView(task_id=task.address, worker_id=worker.public_id, message=message))


class ReportProgress(ForWorkers):
    """``POST /api/tasks/progress``."""

    missing = "task_id is required"

    @documented("Report progress", answer=SaidView, body=ProgressNote, envelope=COMPAT, tags=TAGS)
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """Note how far a task is."""
        given = self.read(ProgressNote, "task_id")
        task = self.task(given["task_id"])
        worker = self.speaker(given.get("worker_id"), task)
        report_per_cent(
            task=task,
            per_cent=given.get("progress", 0),
            message=given.get("message", ""),
            worker=worker,
        )
        return compat(SaidView(message="Progress updated"))


class CompleteTask(ForWorkers):
    """``POST /api/tasks/complete``."""

    missing = "task_id is required"

    @documented("Complete a task", answer=SaidView, body=Completion, envelope=COMPAT, tags=TAGS)
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """Complete a task, or fail it."""
        given = self.read(Completion, "task_id")
        task = self.task(given["task_id"])
        worker = self.speaker(given.get("worker_id"), task)
        end_task(task=task, outcome=_outcome_of(given), worker=worker)
        return compat(SaidView(message="Task completed"))


class Status(CompatEndpoint):
    """``GET /api/status``."""

    needs = {"GET": Role.VIEWER}
    callers = BOTH

    @documented("Show the status", answer=StatusView, polled=True, envelope=COMPAT, tags=["Status (CPDS)"])
    def get(self, request: Request) -> HttpResponse:
        """Count tasks and workers."""
        projects = self.projects()
        tasks = dict.fromkeys(STATUSES, 0)
        for status, number in counts_by_state(projects).items():
            tasks[status_word(status=status)] += number
        workers = count_workers(projects)
        shown = compat(
            StatusView(
                **{f"{word}_tasks": number for word, number in tasks.items()},
                **{f"{word}_workers": number for word, number in workers.items()},
                uptime_seconds=int(uptime_seconds()),
                uptime=uptime_text(),
                version=__version__,
            )
        )
        return unless_known(request, shown, leaving_out=("uptime", "uptime_seconds"))


def _outcome_of(given: Mapping[str, Any]) -> Outcome:
    """Return how a task ended: it failed if there is an ``error``, or the ``status`` says so."""
    output, error = given.get("output", given.get("result")), given.get("error")
    if error is None and given.get("status") != FAILED:
        return Completed(output=output)
    return Failed(
        kind=WORKER_ERROR,
        message=FAILED if error in (None, "") else str(error),
        retryable=True,
        detail={} if output is None else {"output": output},
    )
