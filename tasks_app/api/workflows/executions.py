"""Instances of one workflow: start one, and look at those that there were."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cpds.api.requests.forms import Form, ProjectForm, read_body, read_query
from cpds.api.responses.envelope import created
from cpds.api.responses.paging import OffsetPages
from cpds.api.schema.documentation import LIMIT, OFFSET, documented, listed
from tasks_app.api.idempotency import once
from tasks_app.api.instances.views import InstanceSummaryView, instance_views
from tasks_app.api.resolve import WorkflowEndpoint
from tasks_app.api.status_words import STATUSES, states_called
from tasks_app.api.workflows.views import StartedView
from tasks_app.models import Instance
from tasks_app.roles import Role
from tasks_app.services.submit.instances import submit_instance


class ExecuteForm(ProjectForm):
    """What an instance is started with."""

    params = serializers.DictField(required=False, allow_null=True)
    version = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, allow_null=True, help_text="the newest by default"
    )


class HistoryQuery(Form):
    """Which instances of a workflow, and in which order."""

    status = serializers.ChoiceField(choices=STATUSES, required=False)
    order = serializers.ChoiceField(choices=["desc", "asc"], default="desc", help_text="desc: newest first")


class Execute(WorkflowEndpoint):
    """``/api/v1/workflows/{id}/execute``."""

    needs = {"POST": Role.OPERATOR}

    @documented("Start an instance", answer=StartedView, body=ExecuteForm, status=201, creates=True)
    def post(self, request: Request, workflow: str) -> Response:
        """Start an instance of a workflow."""
        form = read_body(request, ExecuteForm)
        found = self.workflow(workflow)

        def start() -> Response:
            key = submit_instance(
                workflow=found.public_id,
                params=form.get("params") or {},
                version=form.get("version"),
                by=self.caller.name,
            )
            started = StartedView(instance_id=key, message="Workflow submitted")
            return created(started, location=f"/api/v1/instances/{key}")

        return once(self, start)


class History(WorkflowEndpoint):
    """``/api/v1/workflows/{id}/history``."""

    needs = {"GET": Role.VIEWER}

    @documented(
        "List the instances of a workflow",
        answer=listed(InstanceSummaryView),
        query=[HistoryQuery, LIMIT, OFFSET],
    )
    def get(self, request: Request, workflow: str) -> Response:
        """List the instances of a workflow."""
        asked = read_query(request, HistoryQuery)
        rows = Instance.objects.filter(workflow=self.workflow(workflow)).select_related("workflow", "project")
        if "status" in asked:
            rows = rows.filter(status__in=states_called(asked["status"]))
        rows = rows.defer("params").order_by("pk" if asked["order"] == "asc" else "-pk")
        pages = OffsetPages()
        return pages.get_paginated_response(instance_views(pages.paginate_queryset(rows, request)))
