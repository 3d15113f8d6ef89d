"""``/api/v1/tasks``: create tasks on their own, look at all tasks, control single ones and many."""

from typing import Any, cast
from urllib.parse import quote

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from cpds.api.errors import flaw
from cpds.api.requests.forms import read_body, read_query
from cpds.api.responses.envelope import created, ok
from cpds.api.responses.etags import unless_known
from cpds.api.responses.paging import CursorPages, OffsetPages
from cpds.api.schema.documentation import CURSOR, LIMIT, OFFSET, documented
from tasks_app.api.base import Endpoint
from tasks_app.api.idempotency import once
from tasks_app.api.tasks.forms import NewTaskForm, TaskBulkForm, TaskQuery, TaskReasonForm, narrows, wanted_of
from tasks_app.api.tasks.views import ControlledView, NewTaskView, TaskBulkView, TasksPageView, new_task_view
from tasks_app.models import Task
from tasks_app.roles import Role
from tasks_app.services.access.callers import chosen_project
from tasks_app.services.control.task_bulk import TaskAct, choose_tasks, control_tasks
from tasks_app.services.control.task_lists import wanted_tasks
from tasks_app.services.control.tasks import cancel_task, retry_task
from tasks_app.services.lookup.by_name import find_task, read_again
from tasks_app.services.queries import (
    detail_of,
    records_of,
    records_view,
    task_detail,
    task_holds,
    task_summary,
)
from tasks_app.services.queries.views.tasks import RecordsView, TaskDetailView, TaskWhyView
from tasks_app.services.submit.loose import create_task, create_tasks

TAGS = ["Tasks"]


class Tasks(Endpoint):
    """``/api/v1/tasks``."""

    needs = {"GET": Role.VIEWER, "POST": Role.OPERATOR}

    @documented("List tasks", answer=TasksPageView, query=[TaskQuery, LIMIT, CURSOR], polled=True, tags=TAGS)
    def get(self, request: Request) -> HttpResponse:
        """List tasks, the newest first: those of workflows, and those created on their own."""
        given = read_query(request, TaskQuery)
        named = given.pop("projectId", None)
        projects = self.projects(named)
        rows = wanted_tasks(wanted=wanted_of(given, projects=projects, sign="?"), projects=projects)
        shown = rows.select_related("instance", "project").defer("spec", "output")
        pages = CursorPages()
        page = pages.body(task_summary(task) for task in pages.paginate_queryset(shown, request))
        if named is None:
            return unless_known(request, ok(TasksPageView(**page)))
        count = rows.count()
        return unless_known(request, ok(TasksPageView(**page, count=count), tasks=count))

    @documented("Create tasks", answer=NewTaskView, body=NewTaskForm, status=201, creates=True, tags=TAGS)
    def post(self, request: Request) -> Response:
        """Create one task, or up to 10,000 in ``tasks``, all or none; they may need one another."""
        body = _mapping(request.data)
        project = self.project(_text(body.pop("project", None), "/project"))

        def make() -> Response:
            if "tasks" not in body:
                made = create_task(task=body, project=project, by=self.caller.name)
                return created(
                    new_task_view(made), location=f"/api/v1/tasks/{quote(made.task_ids[0], safe='')}"
                )
            tasks = _only_tasks(body)
            made = create_tasks(tasks=tasks, project=project, by=self.caller.name, pointer="/tasks")
            return created(new_task_view(made), location=f"/api/v1/tasks?instance={made.instance_id}")

        return once(self, make)


class OneTask(Endpoint):
    """``/api/v1/tasks/{id}``."""

    needs = {"GET": Role.VIEWER}

    @documented("Show a task", answer=TaskDetailView, polled=True, tags=TAGS)
    def get(self, request: Request, task: str) -> HttpResponse:
        """Show everything about a task."""
        return unless_known(request, ok(task_detail(given=task, projects=self.projects())))


class Why(Endpoint):
    """``/api/v1/tasks/{id}/why``."""

    needs = {"GET": Role.VIEWER}

    @documented("Say what holds a task", answer=TaskWhyView, polled=True, tags=TAGS)
    def get(self, request: Request, task: str) -> HttpResponse:
        """Say what holds a task and until when, in the order in which it has to give way."""
        return unless_known(request, ok(task_holds(given=task, projects=self.projects())))


class Records(Endpoint):
    """``/api/v1/tasks/{id}/records``."""

    needs = {"GET": Role.VIEWER}

    @documented("List a task's attempts", answer=RecordsView, query=[LIMIT, OFFSET], tags=TAGS)
    def get(self, request: Request, task: str) -> Response:
        """List a task's attempts, the oldest first."""
        found, pages = find_task(given=task, projects=self.projects()), OffsetPages()
        records = pages.paginate_queryset(records_of(found), request)
        return ok(records_view(task=found, records=records, total=pages.count, has_more=pages.has_more))


class Control(Endpoint):
    """An endpoint that acts on one task."""

    needs = {"POST": Role.OPERATOR}

    def found(self, given: str) -> Task:
        """Return a task in whose project the caller has the method's role."""
        task = find_task(given=given, projects=self.projects())
        self.require(task.project_id, kind="task", given=given)
        return task


class Cancel(Control):
    """``/api/v1/tasks/{id}/cancel``."""

    @documented("Cancel a task", answer=TaskDetailView, body=TaskReasonForm, tags=TAGS)
    def post(self, request: Request, task: str) -> Response:
        """End a task; what cannot start without it is skipped."""
        reason = read_body(request, TaskReasonForm)["reason"]
        found = self.found(task)
        cancel_task(task=found, by=self.caller.name, reason=reason)
        return ok(detail_of(read_again(found)))


class Retry(Control):
    """``/api/v1/tasks/{id}/retry``."""

    @documented("Retry a task", answer=TaskDetailView, body=TaskReasonForm, tags=TAGS)
    def post(self, request: Request, task: str) -> Response:
        """Try a task again that failed or was cancelled, with what was ruled out because of it."""
        reason = read_body(request, TaskReasonForm)["reason"]
        found = self.found(task)
        retry_task(task=found, by=self.caller.name, reason=reason)
        return ok(detail_of(read_again(found)))


class ControlMany(Endpoint):
    """An endpoint that acts on many tasks."""

    needs = {"POST": Role.OPERATOR}

    def controlled(self, act: TaskAct) -> Response:
        """Act on what the body describes, or say what that is."""
        form = read_body(self.request, TaskBulkForm)
        dry_run, reason, ids = form.pop("dry_run"), form.pop("reason"), form.pop("ids", ())
        named = form.pop("project", None)
        if not ids and not narrows(form):
            raise flaw("", "say which tasks: by ids, or by a filter", code="required")
        projects = self._own(named)
        wanted = wanted_of(form, projects=projects, sign="/")
        chosen = choose_tasks(act=act, wanted=wanted, ids=ids, projects=projects)
        done = (
            [] if dry_run else control_tasks(act=act, tasks=chosen.tasks, by=self.caller.name, reason=reason)
        )
        shown = (
            [ControlledView(task=task.address, refusal="") for task in chosen.tasks]
            if dry_run
            else [ControlledView(task=each.task, refusal=each.refusal) for each in done]
        )
        return ok(
            TaskBulkView(
                dry_run=dry_run,
                matched=len(chosen.tasks),
                done=sum(not each.refusal for each in done),
                more=chosen.more,
                tasks=shown,
            )
        )

    def _own(self, named: str | None) -> frozenset[int] | None:
        """Return the projects in which the caller may act; None: all."""
        if named or self.named_project():
            found = chosen_project(caller=self.caller, named=named or self.named_project())
            self.caller.require(self.role, found.pk, given=found.slug)
            return frozenset({found.pk})
        projects = self.caller.projects
        if projects is None:
            return None
        return frozenset(key for key in projects if self.caller.may(self.role, key))


class CancelMany(ControlMany):
    """``/api/v1/tasks/bulk/cancel``."""

    @documented("Cancel many tasks", answer=TaskBulkView, body=TaskBulkForm, tags=TAGS)
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """Cancel up to 1,000 tasks that have not ended."""
        return self.controlled(TaskAct.CANCEL)


class RetryMany(ControlMany):
    """``/api/v1/tasks/bulk/retry``."""

    @documented("Retry many tasks", answer=TaskBulkView, body=TaskBulkForm, tags=TAGS)
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """Try up to 1,000 tasks again that failed or were cancelled."""
        return self.controlled(TaskAct.RETRY)


def _mapping(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise flaw("", "expected a mapping: a task, or tasks", code="wrong_type")
    return dict(cast("dict[str, Any]", data))


def _text(value: Any, pointer: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise flaw(pointer, "expected text", code="wrong_type")


def _only_tasks(body: dict[str, Any]) -> list[Any]:
    for key in body:
        if key != "tasks":
            raise flaw(f"/{key}", "this key is not known beside tasks", code="unknown_key")
    if not isinstance(body["tasks"], list):
        raise flaw("/tasks", "expected a list", code="wrong_type")
    return body["tasks"]
