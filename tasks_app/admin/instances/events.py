"""The ledger: what happened, in order."""

from collections.abc import Sequence

from django.contrib import admin
from django.db.models import QuerySet

from tasks_app.admin.shared import display
from tasks_app.admin.shared.base import EXCERPT_CHARACTERS, ReadOnlyAdmin, at, excerpted, recall
from tasks_app.admin.shared.filters import InstanceFilter, KindFilter, TaskFilter, WorkerFilter
from tasks_app.admin.shared.sections import Section
from tasks_app.models import Event

SHOWN_EVENTS = 20


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """Events, newest first."""

    list_display = ("id", at("happened_at"), "what", "of_instance", "of_task", "attempt", "worker", "said")
    list_filter = (
        InstanceFilter,
        TaskFilter,
        WorkerFilter,
        KindFilter,
        "happened_at",
        "project",
        "instance__project",
    )
    list_select_related = ("instance", "task")
    excerpts = ("message",)
    search_fields = ("^kind", "=instance__public_id", "=task__name", "=worker")
    search_help_text = "The start of a kind, or a whole instance id, task name or worker name"
    date_hierarchy = "happened_at"
    ordering = ("-id",)
    fields = (
        "id",
        at("happened_at"),
        "what",
        "project",
        "instance",
        "task",
        "attempt",
        "worker",
        "whole_message",
        "facts",
    )

    @admin.display(description="kind", ordering="kind")
    def what(self, obj: Event) -> str:
        """Show the kind."""
        return display.kind(obj.kind)

    @admin.display(description="instance", ordering="instance_id")
    def of_instance(self, obj: Event) -> str:
        """Link to the instance."""
        return display.link(obj.instance) if obj.instance else display.NOTHING

    @admin.display(description="task", ordering="task_id")
    def of_task(self, obj: Event) -> str:
        """Link to the task, if it is about one."""
        return display.link(obj.task) if obj.task else display.NOTHING

    @admin.display(description="message")
    def said(self, obj: Event) -> str:
        """Show the beginning of the message."""
        return display.beginning(recall(obj, "message_excerpt"), limit=EXCERPT_CHARACTERS)

    @admin.display(description="message")
    def whole_message(self, obj: Event) -> str:
        """Show the message."""
        return display.text(obj.message)

    @admin.display(description="data")
    def facts(self, obj: Event) -> str:
        """Show the facts."""
        return display.pretty(obj.data)


def recent_events(events: "QuerySet[Event]", *, more: str, names_task: bool) -> Section:
    """Return the newest of these events as a table; ``more`` links to all of them."""
    newest = excerpted(events.select_related("task"), "message", related=["task"]).order_by("-id")
    rows = [_row(event, names_task) for event in newest[:SHOWN_EVENTS]]
    return Section(
        title="Recent events",
        columns=["When", "What", *(["Task"] if names_task else []), "Attempt", "Worker", "Message"],
        rows=rows,
        more=more,
        empty="Nothing has happened yet.",
    )


def _row(event: Event, names_task: bool) -> Sequence[str]:
    task = [display.link(event.task) if event.task else display.NOTHING] if names_task else []
    return [
        display.whole(display.moment(event.happened_at)),
        display.kind(event.kind),
        *task,
        str(event.attempt or display.NOTHING),
        display.whole(event.worker),
        display.beginning(recall(event, "message_excerpt"), limit=EXCERPT_CHARACTERS),
    ]
