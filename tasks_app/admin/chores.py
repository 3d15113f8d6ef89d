"""When each recurring duty last ran."""

from django.contrib import admin

from tasks_app.admin import display
from tasks_app.admin.base import ReadOnlyAdmin
from tasks_app.models import Chore


@admin.register(Chore)
class ChoreAdmin(ReadOnlyAdmin):
    """Chores: a last run long ago means that nobody ticks."""

    list_display = ("name", "ran_at", "since", "grace_until")
    list_filter = ("ran_at",)
    search_fields = ("name",)
    date_hierarchy = "ran_at"
    ordering = ("name",)
    fields = ("name", "ran_at", "since", "grace_until")
    readonly_fields = ("since",)

    @admin.display(description="last ran", ordering="ran_at")
    def since(self, obj: Chore) -> str:
        """Say how long ago it ran."""
        return display.ago(obj.ran_at)
