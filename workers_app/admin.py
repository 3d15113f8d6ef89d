"""The fleet in the admin: who is there and what they do, and what they are asked to."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from cpds.base import clock
from cpds.base.errors import CPDSError
from tasks_app.admin.shared import display
from tasks_app.admin.shared.base import ReadOnlyAdmin, at
from workers_app.fleet.describe import WorkerStatus, describe_workers
from workers_app.fleet.operators import drain_worker, stop_worker, undrain_worker
from workers_app.models import Worker


class PresenceFilter(admin.SimpleListFilter):
    """There, draining, silent, left."""

    title = "presence"
    parameter_name = "presence"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:  # noqa: ARG002
        """Return the words."""
        return [(word, word) for word in ("alive", "draining", "silent", "left")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """Narrow the list by the database's clock."""
        alive = Worker.objects.alive().values("pk")
        taking = Worker.objects.accepting().values("pk")
        conditions = {
            "alive": Q(pk__in=alive),
            "draining": Q(pk__in=alive) & ~Q(pk__in=taking),
            "silent": Q(left_at__isnull=True) & ~Q(pk__in=alive),
            "left": Q(left_at__isnull=False),
        }
        chosen = conditions.get(self.value() or "")
        return queryset if chosen is None else queryset.filter(chosen)


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """Workers by name; each keeps its row when it is started again."""

    list_display = (
        "name",
        "presence",
        "kind",
        "slots",
        "tasks_completed",
        "usage",
        "host",
        "version",
        "heard",
        "up_for",
        "tasks",
    )
    list_filter = (PresenceFilter, "kind", "heartbeat_at", "version")
    search_fields = ("name", "host", "^public_id")
    date_hierarchy = "registered_at"
    ordering = ("name", "pk")
    actions = ("drain", "undrain", "stop")
    fields = (
        "name",
        "public_id",
        "state",
        "kind",
        "project",
        "pool",
        "slots",
        "tasks_completed",
        "can",
        "all_labels",
        "all_tools",
        "all_queues",
        "only_projects",
        "usage",
        "host",
        "pid",
        "platform",
        "version",
        at("heartbeat_at"),
        "heartbeat_seconds",
        "heard",
        at("registered_at"),
        at("started_at"),
        "up_for",
        at("draining_at"),
        at("drain_requested_at"),
        at("stop_requested_at"),
        at("left_at"),
        "more",
        "tasks",
    )

    def has_control_permission(self, request: HttpRequest) -> bool:
        """Let those drain and stop who may change workers."""
        return request.user.has_perm("workers_app.change_worker")

    @admin.action(description="Drain: finish what runs, take nothing new", permissions=["control"])
    def drain(self, request: HttpRequest, rows: QuerySet[Worker]) -> None:
        """Drain the chosen workers."""
        self._ask(request, rows, "asked to drain", drain_worker)

    @admin.action(description="Undrain: take tasks again", permissions=["control"])
    def undrain(self, request: HttpRequest, rows: QuerySet[Worker]) -> None:
        """Undrain the chosen workers."""
        self._ask(request, rows, "asked to take tasks again", undrain_worker)

    @admin.action(description="Stop: hand back what cannot be finished, and exit", permissions=["control"])
    def stop(self, request: HttpRequest, rows: QuerySet[Worker]) -> None:
        """Stop the chosen workers."""
        self._ask(request, rows, "asked to stop", stop_worker)

    def _ask(
        self, request: HttpRequest, rows: QuerySet[Worker], done: str, act: Callable[..., object]
    ) -> None:
        count = 0
        for given in rows.values_list("public_id", flat=True):
            try:
                act(given=given)
                count += 1
            except CPDSError as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
        self.message_user(request, f"{count} worker(s) {done}.")

    @admin.display(description="presence", ordering="heartbeat_at")
    def presence(self, obj: Worker) -> str:
        """Show whether it is there, which costs a list no statement."""
        return display.state(_presence(obj))

    @admin.display(description="status")
    def state(self, obj: Worker) -> str:
        """Show what it is doing."""
        [seen] = describe_workers([obj])
        return display.state(seen.status)

    @admin.display(description="cpu, memory, disk")
    def usage(self, obj: Worker) -> str:
        """Show what of its machine is in use."""
        known = [obj.cpu_percent, obj.memory_percent, obj.disk_percent]
        if not any(each is not None for each in known):
            return display.NOTHING
        return " · ".join("?" if each is None else f"{each:.0f}%" for each in known)

    @admin.display(description="capabilities")
    def can(self, obj: Worker) -> str:
        """Show what it can do."""
        return ", ".join(map(str, obj.capabilities)) or display.NOTHING

    @admin.display(description="labels")
    def all_labels(self, obj: Worker) -> str:
        """Show what its operator says of it."""
        return display.pretty(obj.labels) if obj.labels else display.NOTHING

    @admin.display(description="tools")
    def all_tools(self, obj: Worker) -> str:
        """Show the programs it found."""
        return display.pretty(obj.tools) if obj.tools else display.NOTHING

    @admin.display(description="queues")
    def all_queues(self, obj: Worker) -> str:
        """Show what it consumes."""
        return ", ".join(map(str, obj.queues)) or display.NOTHING

    @admin.display(description="only projects")
    def only_projects(self, obj: Worker) -> str:
        """Show whose tasks it takes, if not everybody's."""
        return ", ".join(map(str, obj.projects)) or display.NOTHING

    @admin.display(description="metadata")
    def more(self, obj: Worker) -> str:
        """Show what else it says."""
        return display.pretty(obj.metadata) if obj.metadata else display.NOTHING

    @admin.display(description="last heard of", ordering="heartbeat_at")
    def heard(self, obj: Worker) -> str:
        """Show how long ago it was heard of."""
        return display.ago(obj.heartbeat_at)

    @admin.display(description="up for")
    def up_for(self, obj: Worker) -> str:
        """Show how long it has been running, or had been when last heard of."""
        is_here = _presence(obj) in {"alive", WorkerStatus.DRAINING}
        return display.span(obj.started_at, None if is_here else obj.left_at or obj.heartbeat_at)

    @admin.display(description="tasks")
    def tasks(self, obj: Worker) -> str:
        """Link to what it runs and to what it has tried."""
        return display.links(
            display.list_link("tasks_app_task", "running", worker=obj.holder, status__exact="running"),
            display.list_link("tasks_app_executionrecord", "attempts", worker=obj.holder),
        )


def _presence(worker: Worker) -> str:
    if worker.left_at is not None:
        return "left"
    # For display the clock of this process will do; who is alive is decided by the database's.
    now = clock.now()
    if now >= worker.silent_at:
        return "silent"
    return "draining" if worker.is_draining else "alive"
