"""Workflows: store, list, show, delete, check, compare versions."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from msgspec.structs import asdict
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cpds.api.requests.forms import Form, read_query
from cpds.api.responses.envelope import created, ok
from cpds.api.responses.paging import OffsetPages
from cpds.api.schema.documentation import LIMIT, OFFSET, documented, listed
from cpds.base.view import JSONObject
from tasks_app.api.base import Endpoint
from tasks_app.api.idempotency import once
from tasks_app.api.permissions import SIGNED_IN
from tasks_app.api.resolve import WorkflowEndpoint
from tasks_app.api.workflows.views import (
    DiffView,
    RemovedView,
    ValidView,
    VersionDetailView,
    VersionView,
    WorkflowDetailView,
    WorkflowSummaryView,
    needs_of,
    summary_view,
    version_view,
    workflow_task_view,
)
from tasks_app.api.workflows.workflow_body import SOURCE_BODY, SOURCE_PARSERS, source_of
from tasks_app.models import Workflow
from tasks_app.planning.definition.output.diff import diff_definitions
from tasks_app.planning.definition.output.schema import workflow_schema
from tasks_app.planning.definition.spec import WorkflowSpec
from tasks_app.roles import Role
from tasks_app.services.queries.views.workflows import change_view
from tasks_app.services.queries.workflows import workflow_summaries
from tasks_app.services.workflows import definitions
from tasks_app.services.workflows.removal import delete_workflow

ORDERINGS = ("created_at", "-created_at", "name", "-name", "updated_at", "-updated_at")
_COLUMN = {"created_at": "pk", "-created_at": "-pk"}


class WorkflowQuery(Form):
    """Which workflows, in which order."""

    search = serializers.CharField(max_length=200, required=False, help_text="in names and descriptions")
    ordering = serializers.ChoiceField(choices=ORDERINGS, default="-created_at")


class DiffQuery(Form):
    """Which versions; by default the newest and the one before it."""

    to = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False)

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; ``from`` is a word that Python keeps for itself."""
        return {
            "from": serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False),
            **super().get_fields(),
        }


class Workflows(Endpoint):
    """``/api/v1/workflows``."""

    needs = {"GET": Role.VIEWER, "POST": Role.EDITOR}
    parser_classes = SOURCE_PARSERS

    @documented("List workflows", answer=listed(WorkflowSummaryView), query=[WorkflowQuery, LIMIT, OFFSET])
    def get(self, request: Request) -> Response:
        """List workflows, newest first."""
        asked = read_query(request, WorkflowQuery)
        rows = _visible(self.projects())
        if "search" in asked:
            rows = rows.filter(Q(name__icontains=asked["search"]) | Q(description__icontains=asked["search"]))
        ordering = _COLUMN.get(asked["ordering"], asked["ordering"])
        pages = OffsetPages()
        found = pages.paginate_queryset(rows.order_by(ordering, "pk"), request)
        return pages.get_paginated_response(summaries(found))

    @documented(
        "Store a workflow",
        answer=WorkflowSummaryView,
        body=SOURCE_BODY,
        status=201,
        or_status=200,
        creates=True,
        description="Stores a workflow, or the next version of the one of that name; what is the same "
        "already is answered with 200.",
    )
    def post(self, request: Request) -> Response:
        """Store a workflow."""
        source, project = source_of(request), self.project()

        def make() -> Response:
            stored = definitions.upload_workflow(source=source, project=project, by=self.caller.name)
            found = Workflow.objects.select_related("project").get(public_id=stored.workflow_id)
            view = summaries([found])[0]
            if not stored.created:
                return ok(view)
            return created(view, location=f"/api/v1/workflows/{stored.workflow_id}")

        return once(self, make)


class OneWorkflow(WorkflowEndpoint):
    """``/api/v1/workflows/{id}``."""

    needs = {"GET": Role.VIEWER, "DELETE": Role.EDITOR}

    @documented("Show a workflow", answer=WorkflowDetailView)
    def get(self, request: Request, workflow: str) -> Response:  # noqa: ARG002
        """Show a workflow with the tasks of its newest version."""
        found = self.workflow(workflow)
        version = definitions.latest_version(workflow=found)
        spec = WorkflowSpec.from_json(version.definition)
        return ok(
            WorkflowDetailView(
                **asdict(summaries([found])[0]),
                tasks=[workflow_task_view(task) for task in spec.tasks],
                dependencies=needs_of(spec),
                definition=version.definition,
            )
        )

    @documented("Delete a workflow", answer=RemovedView)
    def delete(self, request: Request, workflow: str) -> Response:  # noqa: ARG002
        """Delete a workflow, its versions and its ended instances; one with unfinished instances is kept."""
        found = self.workflow(workflow)
        removal = delete_workflow(given=found.public_id, by=self.caller.name)
        return ok(
            RemovedView(
                message="Workflow deleted",
                id=removal.workflow_id,
                name=removal.name,
                instances=removal.instances,
            )
        )


class Validation(Endpoint):
    """``/api/v1/workflows/validate``."""

    needs = {"POST": SIGNED_IN}
    parser_classes = SOURCE_PARSERS

    @documented("Check a workflow", answer=ValidView, body=SOURCE_BODY)
    def post(self, request: Request) -> Response:
        """Check a workflow and store nothing; what is wrong with it is answered with 422."""
        spec = definitions.validate_workflow(source=source_of(request))
        return ok(
            ValidView(
                name=spec.name,
                description=spec.description,
                task_count=len(spec.tasks),
                dependencies=needs_of(spec),
                definition=spec.to_json(),
            )
        )


class Schema(Endpoint):
    """``/api/v1/workflows/schema``."""

    needs = {"GET": SIGNED_IN}

    @documented("Show the schema of workflow files", answer=JSONObject)
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """Show the JSON Schema (draft 2020-12) of workflow files, for editors."""
        return ok(workflow_schema())


class Versions(WorkflowEndpoint):
    """``/api/v1/workflows/{id}/versions``."""

    needs = {"GET": Role.VIEWER}

    @documented("List versions", answer=listed(VersionView), query=[LIMIT, OFFSET])
    def get(self, request: Request, workflow: str) -> Response:
        """List the versions of a workflow, newest first."""
        rows = self.workflow(workflow).versions.defer("source", "definition").order_by("-number")
        pages = OffsetPages()
        return pages.get_paginated_response(map(version_view, pages.paginate_queryset(rows, request)))


class OneVersion(WorkflowEndpoint):
    """``/api/v1/workflows/{id}/versions/{number}``."""

    needs = {"GET": Role.VIEWER}

    @documented("Show a version", answer=VersionDetailView)
    def get(self, request: Request, workflow: str, number: int) -> Response:  # noqa: ARG002
        """Show a version: its text as it was uploaded, and the definition read from it."""
        found = self.workflow(workflow)
        row = definitions.find_version(workflow=found, number=number)
        return ok(
            VersionDetailView(
                **asdict(version_view(row)),
                workflow_id=found.public_id,
                source=row.source,
                definition=row.definition,
            )
        )


class Diff(WorkflowEndpoint):
    """``/api/v1/workflows/{id}/diff``."""

    needs = {"GET": Role.VIEWER}

    @documented("Compare versions", answer=DiffView, query=[DiffQuery])
    def get(self, request: Request, workflow: str) -> Response:
        """Say what differs between two versions, by default between the newest and the one before it."""
        asked = read_query(request, DiffQuery)
        found = self.workflow(workflow)
        new = asked.get("to", found.latest)
        old = asked.get("from", max(1, new - 1))
        before, after = (
            WorkflowSpec.from_json(definitions.find_version(workflow=found, number=number).definition)
            for number in (old, new)
        )
        changes = [change_view(change) for change in diff_definitions(before, after)]
        return ok(DiffView(from_=old, to=new, changes=changes))


def summaries(rows: Iterable[Workflow]) -> Sequence[WorkflowSummaryView]:
    """Return the views of workflows, in a few statements however many there are."""
    found = list(rows)
    shown = workflow_summaries(found)
    return [summary_view(each, project=row.project.slug) for each, row in zip(shown, found, strict=True)]


def _visible(projects: frozenset[int] | None) -> "QuerySet[Workflow]":
    rows = Workflow.objects.select_related("project")
    return rows if projects is None else rows.filter(project__in=sorted(projects))
