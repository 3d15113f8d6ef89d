"""What a task's page shows: its fields in order, and its neighbours in the graph."""

from typing import Any, Final

from django.db.models import QuerySet

from tasks_app.admin.shared import display
from tasks_app.admin.shared.base import at, excerpted
from tasks_app.admin.shared.sections import Section
from tasks_app.models import Task

SHOWN_NEIGHBOURS: Final = 50

# Any: Django's stubs keep the type of fieldsets to themselves.
FIELDSETS: Final[Any] = (
    (
        None,
        {
            "fields": (
                "instance",
                "name",
                "description",
                "state",
                "is_simulated",
                "executor",
                "advance",
                "attempts",
                "losses",
                "duration",
                "worker",
                "tokens",
                "cost",
                "history",
            )
        },
    ),
    ("Waiting", {"fields": ("why", at("wake_at"))}),
    ("Error", {"fields": ("error_kind", "whole_error")}),
    ("Output", {"fields": ("result",)}),
    ("Definition", {"fields": ("written", "priority", "timeout", "demands", "marks")}),
    (
        "Times",
        {
            "fields": (
                at("created_at"),
                at("ready_at"),
                at("published_at"),
                at("started_at"),
                at("finished_at"),
            ),
            "classes": ("collapse",),
        },
    ),
    (
        "Dispatch",
        {
            "fields": (
                "dispatch_id",
                at("lease_expires_at"),
                "settled",
                "position",
                "stage",
                "stage_position",
                "meets",
                "fan_in",
                "fan_out",
                "rank",
            ),
            "classes": ("collapse",),
        },
    ),
)


def needs_of(task: Task) -> Section:
    """Return the tasks it needs as a table."""
    return Section(
        title="Needs",
        columns=["Task", "Status", "Executor", "Duration"],
        rows=_neighbours(Task.objects.filter(followers__task=task)),
        note=_note(task.fan_in),
        more=display.list_link("tasks_app_dependency", "All it needs", task=task.pk),
        empty="It needs no other task.",
    )


def needed_by(task: Task) -> Section:
    """Return the tasks that need it as a table."""
    return Section(
        title="Needed by",
        columns=["Task", "Status", "Executor", "Duration"],
        rows=_neighbours(Task.objects.filter(needs__needed=task)),
        note=_note(task.fan_out),
        more=display.list_link("tasks_app_dependency", "All that need it", needed=task.pk),
        empty="No task needs it.",
    )


def _neighbours(tasks: "QuerySet[Task]") -> list[list[str]]:
    return [
        [
            display.link(each),
            display.state(each.status),
            each.executor,
            display.effort(each),
        ]
        for each in excerpted(tasks).order_by("position")[:SHOWN_NEIGHBOURS]
    ]


def _note(count: int) -> str:
    return f"The first {SHOWN_NEIGHBOURS} of {count:,}." if count > SHOWN_NEIGHBOURS else ""
