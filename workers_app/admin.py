"""The fleet in the admin: who is there, who is silent, who has left."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from cpds.base import clock
from tasks_app.admin import display
from tasks_app.admin.base import ReadOnlyAdmin, at
from workers_app.models import Worker
from workers_app.services.workers import silent_seconds


class PresenceFilter(admin.SimpleListFilter):
    """Alive, silent, left."""

    title = "presence"
    parameter_name = "presence"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:  # noqa: ARG002
        """Return the three words."""
        return [("alive", "alive"), ("silent", "silent"), ("left", "left")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """Narrow the list by the database's clock."""
        alive = Worker.objects.alive(silent_seconds=silent_seconds()).values("pk")
        match self.value():
            case "alive":
                return queryset.filter(pk__in=alive)
            case "silent":
                return queryset.filter(left_at__isnull=True).exclude(pk__in=alive)
            case "left":
                return queryset.filter(left_at__isnull=False)
        return queryset


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """Workers by name; each keeps its row when it is started again."""

    list_display = ("name", "presence", "slots", "host", "pid", "version", "heard", "up_for", "tasks")
    list_filter = (PresenceFilter, "heartbeat_at", "version")
    search_fields = ("name", "host")
    date_hierarchy = "registered_at"
    ordering = ("name",)
    fields = (
        "name",
        "presence",
        "slots",
        "host",
        "pid",
        "platform",
        "version",
        at("heartbeat_at"),
        "heard",
        at("registered_at"),
        at("started_at"),
        "up_for",
        at("left_at"),
        "tasks",
    )

    @admin.display(description="presence", ordering="heartbeat_at")
    def presence(self, obj: Worker) -> str:
        """Show whether it is there."""
        return display.state(_presence(obj))

    @admin.display(description="last heard of", ordering="heartbeat_at")
    def heard(self, obj: Worker) -> str:
        """Show how long ago it was heard of."""
        return display.ago(obj.heartbeat_at)

    @admin.display(description="up for")
    def up_for(self, obj: Worker) -> str:
        """Show how long it has been running, or had been when last heard of."""
        is_here = _presence(obj) == "alive"
        return display.span(obj.started_at, None if is_here else obj.left_at or obj.heartbeat_at)

    @admin.display(description="tasks")
    def tasks(self, obj: Worker) -> str:
        """Link to what it runs and to what it has tried."""
        return display.links(
            display.list_link("tasks_app_task", "running", worker=obj.name, status__exact="running"),
            display.list_link("tasks_app_executionrecord", "attempts", worker=obj.name),
        )


def _presence(worker: Worker) -> str:
    if worker.left_at is not None:
        return "left"
    # For display the clock of this process will do; who is alive is decided by the database's.
    is_heard = (clock.now() - worker.heartbeat_at).total_seconds() < silent_seconds()
    return "alive" if is_heard else "silent"
