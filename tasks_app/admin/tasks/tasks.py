"""Tasks and the dependencies between them."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from tasks_app.admin.instances.events import recent_events
from tasks_app.admin.shared import display
from tasks_app.admin.shared.base import EXCERPT_CHARACTERS, ReadOnlyAdmin, at, may_view, recall, remember
from tasks_app.admin.shared.filters import (
    InstanceFilter,
    InstanceOfTaskFilter,
    NeededFilter,
    TaskFilter,
    WorkerFilter,
)
from tasks_app.admin.shared.secrets import shown
from tasks_app.admin.shared.sections import Section
from tasks_app.admin.shared.spending import NOTHING_SPENT, Spent, spent_by_task
from tasks_app.admin.tasks.page import FIELDSETS, needed_by, needs_of
from tasks_app.admin.tasks.records import attempts_of
from tasks_app.models import Dependency, Event, ExecutionRecord, Task


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    """Tasks, newest first."""

    list_display = (
        "name",
        "of_instance",
        "state",
        "executor",
        "attempts",
        "duration",
        "worker",
        "tokens",
        "cost",
        "is_simulated",
        at("created_at"),
        "held_by",
    )
    list_filter = (
        InstanceFilter,
        WorkerFilter,
        "status",
        "created_at",
        ("executor", admin.AllValuesFieldListFilter),
        ("error_kind", admin.AllValuesFieldListFilter),
        "instance__project",
    )
    list_select_related = ("instance",)
    excerpts = ("reason", "error_message")
    search_fields = ("name", "=task_id", "title", "=instance__public_id", "=worker", "=dispatch_id")
    search_help_text = "A part of a name, or a whole instance id, worker name or dispatch id"
    date_hierarchy = "created_at"
    ordering = ("-id",)
    fieldsets = FIELDSETS
    optional: ClassVar = {
        "Waiting": ("reason", "wake_at"),
        "Error": ("error_kind", "error_message"),
        "Output": ("output",),
    }

    def look_up(self, rows: list[Task]) -> None:
        """Attach what the attempts used."""
        spent = spent_by_task([task.pk for task in rows])
        for task in rows:
            remember(task, spent=spent.get(task.pk, NOTHING_SPENT))

    def sections(self, request: HttpRequest, obj: Task) -> list[Section]:
        """Return attempts, neighbours in the graph, and events, each to those who may see them."""
        shown = []
        if may_view(request, ExecutionRecord):
            shown.append(attempts_of(obj))
        shown += [needs_of(obj), needed_by(obj)]
        if may_view(request, Event):
            more = display.list_link("tasks_app_event", "All events of this task", task=obj.pk)
            shown.append(recent_events(obj.events.all(), more=more, names_task=False))
        return shown

    @admin.display(description="instance", ordering="instance_id")
    def of_instance(self, obj: Task) -> str:
        """Link to the instance."""
        return display.link(obj.instance)

    @admin.display(description="status", ordering="status")
    def state(self, obj: Task) -> str:
        """Show where it stands."""
        return display.state(obj.status)

    @admin.display(description="duration")
    def duration(self, obj: Task) -> str:
        """Show the time from the last claim to the end."""
        return display.effort(obj)

    @admin.display(description="tokens")
    def tokens(self, obj: Task) -> str:
        """Show the tokens of all attempts."""
        return display.tokens(_spent(obj).tokens)

    @admin.display(description="cost")
    def cost(self, obj: Task) -> str:
        """Show the cost of all attempts."""
        return display.dollars(_spent(obj).cost_usd_micros)

    @admin.display(description="simulated")
    def is_simulated(self, obj: Task) -> str:
        """Mark what a rehearsal made."""
        return display.simulated(_spent(obj).simulated > 0)

    @admin.display(description="reason or error")
    def held_by(self, obj: Task) -> str:
        """Show why it waits or how it failed."""
        failure = display.error(
            obj.error_kind, recall(obj, "error_message_excerpt"), limit=EXCERPT_CHARACTERS
        )
        return failure or display.beginning(recall(obj, "reason_excerpt"), limit=EXCERPT_CHARACTERS)

    @admin.display(description="progress")
    def advance(self, obj: Task) -> str:
        """Show what the task said of its progress."""
        if obj.progress is None:
            return obj.progress_message or display.NOTHING
        share = f"{obj.progress:.0%}"
        return f"{share} – {obj.progress_message}" if obj.progress_message else share

    @admin.display(description="timeout")
    def timeout(self, obj: Task) -> str:
        """Show how long an attempt may take."""
        return display.seconds(obj.timeout_seconds)

    @admin.display(description="see also")
    def history(self, obj: Task) -> str:
        """Link to its records and events."""
        return display.links(
            display.list_link("tasks_app_executionrecord", "attempts", task=obj.pk),
            display.list_link("tasks_app_event", "events", task=obj.pk),
        )

    @admin.display(description="reason")
    def why(self, obj: Task) -> str:
        """Show what holds it."""
        return display.text(obj.reason)

    @admin.display(description="message")
    def whole_error(self, obj: Task) -> str:
        """Show the error."""
        return display.text(obj.error_message)

    @admin.display(description="output")
    def result(self, obj: Task) -> str:
        """Show the output."""
        return display.pretty(shown(obj.instance, obj.output))

    @admin.display(description="spec")
    def written(self, obj: Task) -> str:
        """Show its arguments as the definition has them."""
        return display.pretty(obj.spec)

    @admin.display(description="requires")
    def demands(self, obj: Task) -> str:
        """Show the capabilities it requires."""
        return ", ".join(map(str, obj.requires)) or display.NOTHING

    @admin.display(description="tags")
    def marks(self, obj: Task) -> str:
        """Show its tags."""
        return ", ".join(map(str, obj.tags)) or display.NOTHING


def _spent(task: Task) -> Spent:
    spent = recall(task, "spent")
    if spent is None:
        spent = spent_by_task([task.pk]).get(task.pk, NOTHING_SPENT)
        remember(task, spent=spent)
    return spent  # type: ignore[no-any-return]


@admin.register(Dependency)
class DependencyAdmin(ReadOnlyAdmin):
    """The edges of the graphs."""

    list_display = ("id", "dependant", "needed_task", "of_instance", "needed_state")
    list_filter = (InstanceOfTaskFilter, TaskFilter, NeededFilter, "needed__status")
    list_select_related = ("task__instance", "needed")
    search_fields = ("=task__instance__public_id", "=task__name", "=needed__name")
    search_help_text = "A whole instance id or task name"
    date_hierarchy = "task__created_at"
    ordering = ("-id",)
    fields = ("task", "needed", "of_instance", "needed_state")

    @admin.display(description="task", ordering="task_id")
    def dependant(self, obj: Dependency) -> str:
        """Link to the task that needs."""
        return display.link(obj.task)

    @admin.display(description="needs", ordering="needed_id")
    def needed_task(self, obj: Dependency) -> str:
        """Link to the task that is needed."""
        return display.link(obj.needed)

    @admin.display(description="instance")
    def of_instance(self, obj: Dependency) -> str:
        """Link to the instance."""
        return display.link(obj.task.instance)

    @admin.display(description="status of the needed task")
    def needed_state(self, obj: Any) -> str:
        """Show where the needed task stands."""
        return display.state(obj.needed.status)
