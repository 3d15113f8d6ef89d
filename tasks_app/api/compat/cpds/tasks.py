"""``/api/tasks`` without a version: create tasks, and look at them. The workers' part is the fleet's."""

from typing import Any, Final, cast

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cpds.api.requests.forms import Form, read_body, read_query
from cpds.api.responses.envelope import COMPAT, compat
from cpds.api.responses.etags import unless_known
from cpds.api.schema.documentation import documented
from tasks_app.api.base import CompatEndpoint
from tasks_app.api.compat.cpds.acts import known_task
from tasks_app.api.compat.cpds.shapes import (
    CompatTasksView,
    CompatTaskView,
    TaskSaidView,
    compat_task,
    compat_tasks,
)
from tasks_app.api.compat.cpds.words import priority_given
from tasks_app.api.idempotency import once
from tasks_app.api.permissions import BOTH
from tasks_app.planning.definition.task_spec import TaskSpec
from tasks_app.planning.inputs.loose import DEPLOYMENT_MODES
from tasks_app.roles import Role
from tasks_app.services.control.task_lists import completed_tasks, running_tasks
from tasks_app.services.submit.loose import create_task

MOST: Final = 1_000
TAGS: Final = ["Tasks (CPDS)"]
LONGEST_ID: Final = 200
LONGEST_TEXT: Final = 10_000
_NATIVE: Final = frozenset(
    {field.alias or name for name, field in TaskSpec.model_fields.items()} - {"name"} | {"executor"}
) - {"description", "priority", "tags"}
"""What of a task in a workflow may be said here too."""


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "integer"}]})
class PriorityField(serializers.Field[Any, Any, Any, Any]):
    """A word or a whole number."""

    def to_internal_value(self, data: Any) -> str | int:
        """Return the priority as tasks have it."""
        if isinstance(data, bool) or not isinstance(data, str | int):
            raise serializers.ValidationError("expected high, medium, low or a whole number")
        return priority_given(data)


def _text(longest: int) -> Any:
    return serializers.CharField(
        required=False, allow_null=True, allow_blank=True, max_length=longest, trim_whitespace=False
    )


def _texts() -> Any:
    return serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_ID), required=False, allow_null=True
    )


class CompatNewTask(Form):
    """A task to be created. Keys of a task in a workflow (``executor``, ``with`` ...) may be added."""

    takes_others = True

    task_id = _text(LONGEST_ID)
    title = _text(LONGEST_ID)
    description = _text(LONGEST_TEXT)
    priority = PriorityField(required=False, allow_null=True)
    tags = _texts()
    dependencies = _texts()
    deployment_mode = serializers.ChoiceField(
        choices=DEPLOYMENT_MODES, required=False, allow_null=True, allow_blank=True
    )
    created_by = _text(LONGEST_ID)
    claude_context = _text(LONGEST_TEXT)


class RunningQuery(Form):
    """How many."""

    limit = serializers.IntegerField(min_value=1, max_value=MOST, default=100)


class CreateTask(CompatEndpoint):
    """``POST /api/tasks/create``."""

    needs = {"POST": Role.OPERATOR}
    callers = BOTH

    @documented(
        "Create a task",
        answer=TaskSaidView,
        body=CompatNewTask,
        creates=True,
        envelope=COMPAT,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Create a task, under the id it is given or one of ours."""
        form = read_body(request, CompatNewTask)
        body = cast("dict[str, Any]", request.data)
        native = {name: value for name, value in body.items() if name in _NATIVE}
        task = native | {name: value for name, value in form.items() if value not in (None, "")}
        project = self.project()

        def make() -> Response:
            made = create_task(task=task, project=project, by=self.caller.name)
            return compat(TaskSaidView(task_id=made.task_ids[0], message="Task created successfully"))

        return once(self, make)


class RunningTasks(CompatEndpoint):
    """``GET /api/tasks/running``."""

    needs = {"GET": Role.VIEWER}
    callers = BOTH

    @documented(
        "List running tasks", answer=CompatTasksView, query=[RunningQuery], envelope=COMPAT, tags=TAGS
    )
    def get(self, request: Request) -> Response:
        """List the tasks somebody works at, the longest first."""
        limit = read_query(request, RunningQuery)["limit"]
        return compat(compat_tasks(running_tasks(self.projects())[:limit]))


class CompletedTasks(CompatEndpoint):
    """``GET /api/tasks/completed``."""

    needs = {"GET": Role.VIEWER}
    callers = BOTH

    @documented(
        "List completed tasks", answer=CompatTasksView, query=[RunningQuery], envelope=COMPAT, tags=TAGS
    )
    def get(self, request: Request) -> Response:
        """List the tasks that were completed, the newest first."""
        limit = read_query(request, RunningQuery)["limit"]
        return compat(compat_tasks(completed_tasks(projects=self.projects())[:limit]))


class OneCompatTask(CompatEndpoint):
    """``GET /api/tasks/{task_id}``."""

    needs = {"GET": Role.VIEWER}
    callers = BOTH

    @documented("Show a task", answer=CompatTaskView, polled=True, envelope=COMPAT, tags=TAGS)
    def get(self, request: Request, task_id: str) -> HttpResponse:
        """Show a task."""
        found = known_task(given=task_id, projects=self.projects())
        return unless_known(request, compat(compat_task(found)))
