"""Execution records: every attempt, with what was asked, answered and spent."""

from typing import ClassVar

from django.contrib import admin

from tasks_app.admin.shared import display
from tasks_app.admin.shared.base import EXCERPT_CHARACTERS, ReadOnlyAdmin, at, excerpted, recall
from tasks_app.admin.shared.filters import InstanceOfTaskFilter, TaskFilter, WorkerFilter
from tasks_app.admin.shared.secrets import shown
from tasks_app.admin.shared.sections import Section
from tasks_app.models import ExecutionRecord, Task

SHOWN_ATTEMPTS = 50


@admin.register(ExecutionRecord)
class ExecutionRecordAdmin(ReadOnlyAdmin):
    """Attempts, newest first."""

    list_display = (
        "id",
        "of_task",
        "of_instance",
        "number",
        "state",
        "executor",
        "worker",
        "duration",
        "tokens_shown",
        "cost",
        "is_simulated",
        at("started_at"),
        "error",
    )
    list_filter = (
        InstanceOfTaskFilter,
        TaskFilter,
        WorkerFilter,
        "status",
        "simulated",
        "started_at",
        ("executor", admin.AllValuesFieldListFilter),
        ("model", admin.AllValuesFieldListFilter),
        ("error_kind", admin.AllValuesFieldListFilter),
    )
    list_select_related = ("task__instance",)
    excerpts = ("error_message",)
    search_fields = ("=task__instance__public_id", "=task__name", "=worker", "=dispatch_id", "=call_id")
    search_help_text = "A whole instance id, task name, worker name, dispatch id or call id"
    date_hierarchy = "started_at"
    ordering = ("-id",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "task",
                    "of_instance",
                    "number",
                    "state",
                    "is_simulated",
                    "executor",
                    "mode",
                    "worker",
                    at("started_at"),
                    at("finished_at"),
                    "duration",
                    "history",
                )
            },
        ),
        ("Error", {"fields": ("error_kind", "whole_error", "error_facts")}),
        ("Asked and answered", {"fields": ("model", "asked", "answered")}),
        ("Output", {"fields": ("result",)}),
        ("Used", {"fields": ("tokens_shown", "cost", "tokens_by_kind")}),
        ("Identifiers", {"fields": ("dispatch_id", "call_id", "facts"), "classes": ("collapse",)}),
    )

    optional: ClassVar = {
        "Error": ("error_kind", "error_message", "error_detail"),
        "Asked and answered": ("model", "prompt", "answer"),
        "Output": ("output",),
        "Used": ("tokens_used", "tokens", "cost_usd_micros"),
    }

    @admin.display(description="task", ordering="task_id")
    def of_task(self, obj: ExecutionRecord) -> str:
        """Link to the task."""
        return display.link(obj.task)

    @admin.display(description="instance", ordering="task__instance_id")
    def of_instance(self, obj: ExecutionRecord) -> str:
        """Link to the instance."""
        return display.link(obj.task.instance)

    @admin.display(description="status", ordering="status")
    def state(self, obj: ExecutionRecord) -> str:
        """Show how it stands."""
        return display.state(obj.status)

    @admin.display(description="duration")
    def duration(self, obj: ExecutionRecord) -> str:
        """Show the time from claim to end."""
        return display.span(obj.started_at, obj.finished_at)

    @admin.display(description="tokens", ordering="tokens_used")
    def tokens_shown(self, obj: ExecutionRecord) -> str:
        """Show the tokens used."""
        return display.tokens(obj.tokens_used)

    @admin.display(description="cost", ordering="cost_usd_micros")
    def cost(self, obj: ExecutionRecord) -> str:
        """Show the cost."""
        return display.dollars(obj.cost_usd_micros)

    @admin.display(description="simulated", ordering="simulated")
    def is_simulated(self, obj: ExecutionRecord) -> str:
        """Mark what a rehearsal made."""
        return display.simulated(obj.simulated)

    @admin.display(description="error")
    def error(self, obj: ExecutionRecord) -> str:
        """Show the kind and the beginning of the error."""
        return display.error(obj.error_kind, recall(obj, "error_message_excerpt"), limit=EXCERPT_CHARACTERS)

    @admin.display(description="message")
    def whole_error(self, obj: ExecutionRecord) -> str:
        """Show the error."""
        return display.text(obj.error_message)

    @admin.display(description="details")
    def error_facts(self, obj: ExecutionRecord) -> str:
        """Show the error's facts."""
        return display.pretty(obj.error_detail or None)

    @admin.display(description="prompt")
    def asked(self, obj: ExecutionRecord) -> str:
        """Show the prompt as it was sent."""
        return display.text(obj.prompt)

    @admin.display(description="answer")
    def answered(self, obj: ExecutionRecord) -> str:
        """Show the answer as it came, whatever it holds."""
        return display.text(obj.answer)

    @admin.display(description="output")
    def result(self, obj: ExecutionRecord) -> str:
        """Show the output."""
        return display.pretty(shown(obj.task.instance, obj.output))

    @admin.display(description="by kind")
    def tokens_by_kind(self, obj: ExecutionRecord) -> str:
        """Show the tokens of each kind."""
        return display.pretty(obj.tokens or None)

    @admin.display(description="metadata")
    def facts(self, obj: ExecutionRecord) -> str:
        """Show the metadata."""
        return display.pretty(obj.metadata or None)

    @admin.display(description="see also")
    def history(self, obj: ExecutionRecord) -> str:
        """Link to its neighbours."""
        return display.links(
            display.list_link("tasks_app_executionrecord", "all attempts", task=obj.task_id),
            display.list_link("tasks_app_event", "events of the task", task=obj.task_id),
        )


def attempts_of(task: Task) -> Section:
    """Return the attempts at a task as a table, newest first."""
    records = excerpted(ExecutionRecord.objects.filter(task=task), "error_message").order_by("-number")
    rows = [
        [
            display.link(record, f"attempt {record.number}"),
            display.state(record.status),
            display.whole(record.worker),
            display.whole(display.moment(record.started_at)),
            display.span(record.started_at, record.finished_at),
            display.tokens(record.tokens_used),
            display.dollars(record.cost_usd_micros),
            display.simulated(record.simulated),
            display.error(
                record.error_kind, recall(record, "error_message_excerpt"), limit=EXCERPT_CHARACTERS
            ),
        ]
        for record in records[:SHOWN_ATTEMPTS]
    ]
    return Section(
        title="Attempts",
        columns=["Attempt", "Status", "Worker", "Started", "Duration", "Tokens", "Cost", "", "Error"],
        rows=rows,
        more=display.list_link("tasks_app_executionrecord", "All attempts", task=task.pk),
        empty="Nobody has claimed this task yet.",
    )
