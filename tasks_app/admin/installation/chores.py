"""When each recurring duty last ran."""

from django.contrib import admin

from tasks_app.admin.shared import display
from tasks_app.admin.shared.base import ReadOnlyAdmin, at
from tasks_app.models import Chore


@admin.register(Chore)
class ChoreAdmin(ReadOnlyAdmin):
    """Chores: a last run long ago means that nobody ticks."""

    list_display = ("name", at("ran_at"), "since", at("grace_until"))
    list_filter = ("ran_at",)
    search_fields = ("name",)
    date_hierarchy = "ran_at"
    ordering = ("name",)
    fields = ("name", at("ran_at"), "since", at("grace_until"))

    @admin.display(description="last ran", ordering="ran_at")
    def since(self, obj: Chore) -> str:
        """Say how long ago it ran."""
        return display.ago(obj.ran_at)
