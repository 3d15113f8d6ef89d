"""Workflows and their versions: read here, changed by uploading, deleted by the service's rule."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from tasks_app.admin.shared import display
from tasks_app.admin.shared.base import EXCERPT_CHARACTERS, ReadOnlyAdmin, at, excerpted, may_view, recall
from tasks_app.admin.shared.filters import WorkflowFilter
from tasks_app.admin.shared.sections import Section
from tasks_app.errors import WorkflowInUse
from tasks_app.models import Instance, Workflow, WorkflowVersion

SHOWN_ROWS = 20


@admin.register(Workflow)
class WorkflowAdmin(ReadOnlyAdmin):
    """Definitions. A new version is uploaded (``manage.py workflow upload``), never typed here."""

    list_display = (
        "name",
        "public_id",
        "project",
        "latest",
        "about",
        "runs",
        at("created_at"),
        at("updated_at"),
    )
    list_filter = ("project", "created_at", "updated_at")
    list_select_related = ("project",)
    excerpts = ("description",)
    search_fields = ("name", "^public_id")
    search_help_text = "A part of a name, or the start of an id"
    date_hierarchy = "created_at"
    ordering = ("-id",)
    fields = (
        "name",
        "public_id",
        "project",
        "description",
        "latest",
        "runs",
        at("created_at"),
        at("updated_at"),
    )

    @admin.display(description="description")
    def about(self, obj: Workflow) -> str:
        """Show the beginning of the description."""
        return display.beginning(recall(obj, "description_excerpt"), limit=EXCERPT_CHARACTERS)

    @admin.display(description="instances")
    def runs(self, obj: Workflow) -> str:
        """Link to its instances."""
        return display.list_link("tasks_app_instance", "instances", workflow=obj.public_id)

    def sections(self, request: HttpRequest, obj: Workflow) -> list[Section]:
        """Return its versions and its newest instances, each to those who may see them."""
        shown = []
        if may_view(request, WorkflowVersion):
            shown.append(_versions(obj))
        if may_view(request, Instance):
            shown.append(_instances(obj))
        return shown

    def has_delete_permission(self, request: HttpRequest, obj: Any | None = None) -> bool:  # noqa: ARG002
        """Leave it to Django's permission; whether this one may go now is the service's rule."""
        return request.user.has_perm("tasks_app.delete_workflow")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:  # noqa: ARG002
        """Say in numbers what would go: listing every row of every instance could be millions of lines."""
        lost = [
            f"Workflow {each.name} ({each.public_id}), {each.versions.count()} version(s) and "
            f"{each.instances.count()} instance(s) with their tasks, records and events"
            for each in objs
        ]
        return lost, {"workflows": len(lost)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Workflow) -> None:
        """Delete by the service."""
        # Imported late: definitions are read with a heavy library, and every program imports the admin.
        from tasks_app.services.workflows.removal import delete_workflow

        delete_workflow(given=obj.public_id, by=request.user.get_username())

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Delete a workflow, or say which unfinished instances forbid it."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except WorkflowInUse as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:tasks_app_workflow_change", args=[object_id]))


@admin.register(WorkflowVersion)
class WorkflowVersionAdmin(ReadOnlyAdmin):
    """Versions: each as it was uploaded, and as it was understood."""

    list_display = ("id", "of_workflow", "number", "task_count", "digest_start", at("created_at"))
    list_filter = (WorkflowFilter, "created_at", "workflow__project")
    list_select_related = ("workflow",)
    search_fields = ("workflow__name", "^digest")
    search_help_text = "A part of a workflow's name, or the start of a digest"
    date_hierarchy = "created_at"
    ordering = ("-id",)
    fields = ("workflow", "number", "task_count", "digest", at("created_at"), "uploaded", "understood")

    @admin.display(description="workflow", ordering="workflow__name")
    def of_workflow(self, obj: WorkflowVersion) -> str:
        """Link to the workflow."""
        return display.link(obj.workflow)

    @admin.display(description="digest", ordering="digest")
    def digest_start(self, obj: WorkflowVersion) -> str:
        """Show enough of the digest to tell versions apart."""
        return obj.digest[:12]

    @admin.display(description="source")
    def uploaded(self, obj: WorkflowVersion) -> str:
        """Show the text as it was uploaded."""
        return display.text(obj.source)

    @admin.display(description="definition")
    def understood(self, obj: WorkflowVersion) -> str:
        """Show the definition read from the text."""
        return display.pretty(obj.definition)


def _versions(workflow: Workflow) -> Section:
    versions = excerpted(workflow.versions.all()).order_by("-number")[:SHOWN_ROWS]
    return Section(
        title="Versions",
        columns=["Version", "Tasks", "Digest", "Uploaded"],
        rows=[
            [
                display.link(each, f"v{each.number}"),
                str(each.task_count),
                each.digest[:12],
                display.moment(each.created_at),
            ]
            for each in versions
        ],
        more=display.list_link("tasks_app_workflowversion", "All versions", workflow=workflow.public_id),
    )


def _instances(workflow: Workflow) -> Section:
    instances = excerpted(workflow.instances.all()).order_by("-id")[:SHOWN_ROWS]
    return Section(
        title="Newest instances",
        columns=["Instance", "Status", "Tasks", "Duration", "Created"],
        rows=[
            [
                display.link(each),
                display.state(each.status),
                str(each.task_count),
                display.span(each.started_at, each.finished_at),
                display.moment(each.created_at),
            ]
            for each in instances
        ],
        more=display.list_link("tasks_app_instance", "All instances", workflow=workflow.public_id),
        empty="It has not run yet.",
    )
