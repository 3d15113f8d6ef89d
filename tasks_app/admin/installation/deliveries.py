"""Who is told of events, and how far each is."""

from django.contrib import admin

from tasks_app.admin.shared.base import ReadOnlyAdmin, at
from tasks_app.models import Delivery, Listener


@admin.register(Listener)
class ListenerAdmin(ReadOnlyAdmin):
    """Listeners that were seen in the settings."""

    list_display = ("name", "looked_to", at("created_at"))
    list_filter = ("created_at",)
    search_fields = ("name",)
    date_hierarchy = "created_at"
    ordering = ("name",)
    fields = ("name", "looked_to", "starts_after", at("created_at"))


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Cursors; one with failures waits for its next try, a parked one for ``manage.py listener retry``."""

    list_display = ("listener", "instance", "delivered_event_id", "failures", "is_parked", at("wake_at"))
    list_filter = ("is_parked", "listener")
    list_select_related = ("listener", "instance")
    search_fields = ("listener__name", "instance__public_id")
    date_hierarchy = "wake_at"
    ordering = ("-id",)
    fields = (
        "listener",
        "instance",
        "delivered_event_id",
        "due_event_id",
        "failures",
        "last_error",
        "is_parked",
        at("wake_at"),
        at("rung_at"),
        at("lease_expires_at"),
    )
