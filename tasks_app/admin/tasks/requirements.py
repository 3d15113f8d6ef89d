"""Requirement sets: what tasks require of their workers, each combination once."""

from django.contrib import admin

from tasks_app.admin.shared import display
from tasks_app.admin.shared.base import ReadOnlyAdmin, at
from tasks_app.canvas import names
from tasks_app.models import RequirementSet


@admin.register(RequirementSet)
class RequirementSetAdmin(ReadOnlyAdmin):
    """The sets, the ones asked for most recently first. Each has a queue of its own."""

    list_display = ("name", "queue", at("used_at"), "tasks")
    search_fields = ("name",)
    date_hierarchy = "used_at"
    ordering = ("-used_at", "pk")
    fields = ("name", "words", "queue", at("used_at"), "tasks")

    @admin.display(description="capabilities")
    def words(self, obj: RequirementSet) -> str:
        """List the capabilities."""
        return ", ".join(map(str, obj.capabilities))

    @admin.display(description="queue")
    def queue(self, obj: RequirementSet) -> str:
        """Show where its tasks wait."""
        return display.whole(names.queue_of(obj.name))

    @admin.display(description="tasks")
    def tasks(self, obj: RequirementSet) -> str:
        """Link to its tasks."""
        return display.list_link("tasks_app_task", "tasks", requirement__exact=obj.name)
