"""Instances: the runs, and on one page everything about one of them."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest

from tasks_app.admin.instances.actions import control_action, may_control
from tasks_app.admin.instances.events import recent_events
from tasks_app.admin.instances.holds import holds_of
from tasks_app.admin.instances.page import tasks_of
from tasks_app.admin.instances.rerun import rerun_instances
from tasks_app.admin.shared import display
from tasks_app.admin.shared.base import EXCERPT_CHARACTERS, ReadOnlyAdmin, at, may_view, recall, remember
from tasks_app.admin.shared.filters import WorkflowFilter
from tasks_app.admin.shared.secrets import params_of
from tasks_app.admin.shared.sections import Section
from tasks_app.admin.shared.spending import NOTHING_SPENT, Spent, spent_by_instance
from tasks_app.models import Event, Instance, Task
from tasks_app.states import INSTANCE_FINAL

if TYPE_CHECKING:
    from tasks_app.services.queries.views.instances import ProgressView


@admin.register(Instance)
class InstanceAdmin(ReadOnlyAdmin):
    """Instances, newest first."""

    list_display = (
        "public_id",
        "of_workflow",
        "state",
        "progress",
        "duration",
        "tokens",
        "cost",
        "is_simulated",
        at("created_at"),
        "version_number",
        "project",
        "error",
    )
    list_filter = (
        WorkflowFilter,
        "status",
        "created_at",
        "project",
        ("workflow", admin.RelatedOnlyFieldListFilter),
    )
    list_select_related = ("project", "workflow", "version")
    excerpts = ("error_message",)
    search_fields = ("^public_id", "workflow__name")
    search_help_text = "The start of an id, or a part of a workflow's name"
    date_hierarchy = "created_at"
    ordering = ("-id",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "public_id",
                    "state",
                    "progress",
                    "is_simulated",
                    "whole_error",
                    "workflow",
                    "version",
                    "project",
                    "duration",
                    "tokens",
                    "cost",
                    "history",
                )
            },
        ),
        ("Pause", {"fields": ("pause_why", at("paused_until"))}),
        ("Rerun", {"fields": ("origin",)}),
        (
            "Times",
            {"fields": (at("created_at"), at("started_at"), at("finished_at")), "classes": ("collapse",)},
        ),
        ("Parameters", {"fields": ("given",), "classes": ("collapse",)}),
    )

    actions = (*(control_action(act) for act in ("pause", "resume", "cancel", "retry")), rerun_instances)
    optional = {"Pause": ("pause_reason", "paused_until"), "Rerun": ("origin",)}

    def has_control_permission(self, request: HttpRequest) -> bool:
        """Leave acting on instances to those who may change them; the services write, never a form."""
        return may_control(request)

    def look_up(self, rows: list[Instance]) -> None:
        """Attach progress and what the attempts used."""
        keys = [instance.pk for instance in rows]
        progress, spent = _progress(keys), spent_by_instance(keys)
        for instance in rows:
            remember(instance, progress=progress[instance.pk], spent=spent.get(instance.pk, NOTHING_SPENT))

    def sections(self, request: HttpRequest, obj: Instance) -> list[Section]:
        """Return the tasks and the newest events, each to those who may see them."""
        shown = []
        if may_view(request, Task):
            if obj.status not in INSTANCE_FINAL:
                shown.append(holds_of(obj))
            shown.append(tasks_of(obj))
        if may_view(request, Event):
            more = display.list_link("tasks_app_event", "All events", instance=obj.public_id)
            shown.append(recent_events(obj.events.all(), more=more, names_task=True))
        return shown

    @admin.display(description="workflow", ordering="workflow__name")
    def of_workflow(self, obj: Instance) -> str:
        """Link to the workflow."""
        return display.link(obj.workflow) if obj.workflow is not None else "-"

    @admin.display(description="version", ordering="version__number")
    def version_number(self, obj: Instance) -> str:
        """Link to the version."""
        if obj.version is None:
            return "-"
        return display.link(obj.version, f"v{obj.version.number}")

    @admin.display(description="status", ordering="status")
    def state(self, obj: Instance) -> str:
        """Show where it stands."""
        return display.state(obj.status)

    @admin.display(description="progress")
    def progress(self, obj: Instance) -> str:
        """Show how many tasks are done."""
        self._complete(obj)
        counts: ProgressView = recall(obj, "progress")
        return display.progress(counts.completed, counts.total, failed=counts.failed)

    @admin.display(description="duration")
    def duration(self, obj: Instance) -> str:
        """Show the time from the first claim to the end."""
        return display.span(obj.started_at, obj.finished_at)

    @admin.display(description="tokens")
    def tokens(self, obj: Instance) -> str:
        """Show the tokens of all attempts."""
        return display.tokens(self._spent(obj).tokens)

    @admin.display(description="cost")
    def cost(self, obj: Instance) -> str:
        """Show the cost of all attempts."""
        return display.dollars(self._spent(obj).cost_usd_micros)

    @admin.display(description="simulated")
    def is_simulated(self, obj: Instance) -> str:
        """Mark an instance of which a rehearsal made a part."""
        return display.simulated(self._spent(obj).simulated > 0)

    @admin.display(description="error")
    def error(self, obj: Instance) -> str:
        """Show the beginning of the error."""
        return display.beginning(recall(obj, "error_message_excerpt"), limit=EXCERPT_CHARACTERS)

    @admin.display(description="error")
    def whole_error(self, obj: Instance) -> str:
        """Show the error."""
        return display.text(obj.error_message)

    @admin.display(description="pause reason")
    def pause_why(self, obj: Instance) -> str:
        """Show why it was paused."""
        return display.text(obj.pause_reason)

    @admin.display(description="parameters")
    def given(self, obj: Instance) -> str:
        """Show the parameters."""
        return display.pretty(params_of(obj))

    @admin.display(description="see also")
    def history(self, obj: Instance) -> str:
        """Link to its tasks, records, events and dependencies."""
        lists = {
            "task": "tasks",
            "executionrecord": "execution records",
            "event": "events",
            "dependency": "dependencies",
            "checkpoint": "questions",
        }
        return display.links(
            *(
                display.list_link(f"tasks_app_{table}", label, instance=obj.public_id)
                for table, label in lists.items()
            )
        )

    def _complete(self, obj: Instance) -> None:
        if recall(obj, "progress") is None:
            self.look_up([obj])

    def _spent(self, obj: Instance) -> Spent:
        self._complete(obj)
        return recall(obj, "spent")  # type: ignore[no-any-return]


def _progress(keys: list[int]) -> dict[int, "ProgressView"]:
    # Imported late: the queries read definitions with a heavy library, and every program imports the admin.
    from tasks_app.services.queries import instance_progress

    return instance_progress(keys)
