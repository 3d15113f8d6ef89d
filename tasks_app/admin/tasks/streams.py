"""What continuous tasks handed on."""

from django.contrib import admin

from tasks_app.admin.shared.base import ReadOnlyAdmin, at
from tasks_app.models import StreamBatch


@admin.register(StreamBatch)
class StreamBatchAdmin(ReadOnlyAdmin):
    """Batches; the items themselves are read on the page of the task that took them."""

    list_display = ("task", "number", "item_count", "attempt", at("created_at"))
    list_filter = ("created_at",)
    list_select_related = ("task",)
    search_fields = ("task__name", "task__instance__public_id")
    date_hierarchy = "created_at"
    ordering = ("-id",)
    fields = ("task", "number", "item_count", "attempt", at("created_at"))
