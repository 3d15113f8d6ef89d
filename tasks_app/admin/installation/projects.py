"""Projects: the only rows of the record that people edit."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from cpds.base import db
from tasks_app.admin.shared import display
from tasks_app.admin.shared.base import CPDSAdmin, at
from tasks_app.models import Project
from tasks_app.services.access.audit import note_change


@admin.register(Project)
class ProjectAdmin(CPDSAdmin):
    """Tenants. A slug stands in addresses, so it is chosen once."""

    list_display = ("name", "slug", at("created_at"), "contents")
    search_fields = ("name", "slug")
    date_hierarchy = "created_at"
    ordering = ("name",)
    fields = ("name", "slug", "max_parallel", "weight", "created_at", "contents")
    prepopulated_fields: ClassVar = {"slug": ["name"]}

    def get_fields(self, request: HttpRequest, obj: Any | None = None) -> Any:
        """Ask a new project for its names only."""
        return super().get_fields(request, obj) if obj else ("name", "slug")

    def get_readonly_fields(self, request: HttpRequest, obj: Any | None = None) -> Any:  # noqa: ARG002
        """Keep the slug of a project that exists."""
        return ("slug", "created_at", "contents") if obj else ()

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any | None = None) -> Any:
        """Suggest a slug for a new project only."""
        return {} if obj else super().get_prepopulated_fields(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any | None = None) -> bool:
        """Allow the deletion of an empty project; the database would refuse any other."""
        if obj is not None and (obj.workflows.exists() or obj.instances.exists()):
            return False
        return super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Project, form: Any, change: bool) -> None:
        """Store it, and note the change in the ledger."""
        after = {name: form.cleaned_data[name] for name in form.changed_data}
        with db.transaction():
            super().save_model(request, obj, form, change)
            note_change(
                kind="project.changed" if change else "project.created",
                by=request.user.get_username(),
                project=obj,
                subject=obj.slug,
                before={name: form.initial.get(name) for name in after} if change else {},
                after=after,
            )

    @admin.display(description="holds")
    def contents(self, obj: Project) -> str:
        """Link to what belongs to it."""
        return display.links(
            display.list_link("tasks_app_workflow", "workflows", project__id__exact=obj.pk),
            display.list_link("tasks_app_instance", "instances", project__id__exact=obj.pk),
        )
