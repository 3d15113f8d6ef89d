"""When a workflow starts by itself: look at it, set it, pause and resume it, fire it by hand."""

from dataclasses import asdict

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cpds.api.requests.forms import Form, ProjectForm, read_body, read_query
from cpds.api.responses.envelope import created, no_content, ok
from cpds.api.responses.etags import tagged, tags_read
from cpds.api.schema.documentation import IF_MATCH, documented
from tasks_app.api.idempotency import once
from tasks_app.api.resolve import WorkflowEndpoint
from tasks_app.api.workflows.views import FiredView
from tasks_app.models import Workflow
from tasks_app.roles import Role
from tasks_app.services.lookup.by_name import find_workflow
from tasks_app.services.maintenance.firing import fire_now
from tasks_app.services.queries.schedules import next_fires, schedule_summary
from tasks_app.services.queries.views.workflows import NextFiresView, ScheduleView
from tasks_app.services.schedules.control import pause_schedule, resume_schedule
from tasks_app.services.workflows.schedule_setting import schedule_mark, set_schedule
from tasks_app.states import Catchup, Overlap

MOST_FIRES = 100


class ScheduleForm(ProjectForm):
    """A schedule, with the keys of a workflow file."""

    cron = serializers.CharField(max_length=200, help_text="five fields, six with seconds first, or @hourly")
    timezone = serializers.CharField(max_length=64, required=False)
    overlap = serializers.ChoiceField(choices=[each.value for each in Overlap], required=False)
    catchup = serializers.ChoiceField(choices=[each.value for each in Catchup], required=False)
    paused = serializers.BooleanField(required=False)
    params = serializers.DictField(required=False)


class ReasonForm(ProjectForm):
    """Why."""

    reason = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="")


class FiresQuery(Form):
    """How many times."""

    count = serializers.IntegerField(min_value=1, max_value=MOST_FIRES, default=5)


class Schedule(WorkflowEndpoint):
    """``/api/v1/workflows/{id}/schedule``."""

    needs = {"GET": Role.VIEWER, "PUT": Role.EDITOR, "DELETE": Role.EDITOR}

    @documented("Show a schedule", answer=ScheduleView, versioned=True)
    def get(self, request: Request, workflow: str) -> Response:  # noqa: ARG002
        """Show when a workflow starts by itself; the ETag is for the ``If-Match`` of whoever changes it."""
        return _shown(self.workflow(workflow))

    @documented("Set a schedule", answer=ScheduleView, body=ScheduleForm, query=[IF_MATCH], versioned=True)
    def put(self, request: Request, workflow: str) -> Response:
        """Store the workflow with this schedule as its next version."""
        form = read_body(request, ScheduleForm)
        form.pop("project", None)
        found = self.workflow(workflow)
        set_schedule(given=found.public_id, schedule=form, by=self.caller.name, read=tags_read(request))
        return _shown(find_workflow(given=found.public_id))

    @documented("Remove a schedule", status=204, query=[IF_MATCH])
    def delete(self, request: Request, workflow: str) -> Response:
        """Store the workflow without a schedule as its next version."""
        key = self.workflow(workflow).public_id
        schedule_summary(key)
        set_schedule(given=key, schedule=None, by=self.caller.name, read=tags_read(request))
        return no_content()


def _shown(workflow: Workflow) -> Response:
    answer = ok(schedule_summary(workflow.public_id))
    return tagged(answer, f'"{schedule_mark(workflow)}"')


class PauseSchedule(WorkflowEndpoint):
    """``/api/v1/workflows/{id}/schedule/pause``."""

    needs = {"POST": Role.OPERATOR}

    @documented("Pause a schedule", answer=ScheduleView, body=ReasonForm)
    def post(self, request: Request, workflow: str) -> Response:
        """Start nothing by itself until resumed; times that pass meanwhile are not made up for."""
        reason = read_body(request, ReasonForm)["reason"]
        key = self.workflow(workflow).public_id
        pause_schedule(given=key, reason=reason, by=self.caller.name)
        return ok(schedule_summary(key))


class ResumeSchedule(WorkflowEndpoint):
    """``/api/v1/workflows/{id}/schedule/resume``."""

    needs = {"POST": Role.OPERATOR}

    @documented("Resume a schedule", answer=ScheduleView, body=ProjectForm)
    def post(self, request: Request, workflow: str) -> Response:
        """Let a paused schedule fire again, from now on."""
        read_body(request, ProjectForm)
        key = self.workflow(workflow).public_id
        resume_schedule(given=key, by=self.caller.name)
        return ok(schedule_summary(key))


class NextFires(WorkflowEndpoint):
    """``/api/v1/workflows/{id}/schedule/next``."""

    needs = {"GET": Role.VIEWER}

    @documented("List the next fires", answer=NextFiresView, query=[FiresQuery])
    def get(self, request: Request, workflow: str) -> Response:
        """List the times at which a schedule fires next."""
        count = read_query(request, FiresQuery)["count"]
        return ok(next_fires(given=self.workflow(workflow).public_id, count=count))


class Fire(WorkflowEndpoint):
    """``/api/v1/workflows/{id}/schedule/fire``."""

    needs = {"POST": Role.OPERATOR}

    @documented("Fire a schedule", answer=FiredView, body=ProjectForm, status=201, creates=True)
    def post(self, request: Request, workflow: str) -> Response:
        """Start an instance as the schedule would, at once, paused or not."""
        read_body(request, ProjectForm)
        key = self.workflow(workflow).public_id

        def fire() -> Response:
            fired = fire_now(given=key, by=self.caller.name)
            return created(FiredView(**asdict(fired)), location=f"/api/v1/instances/{fired.instance_id}")

        return once(self, fire)
