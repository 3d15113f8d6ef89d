"""Schedules and their fires: read here, paused and resumed by an action, changed by uploading.

And beat's periodic tasks, one for each schedule.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django_celery_beat.admin import PeriodicTaskAdmin as BeatsPeriodicTaskAdmin
from django_celery_beat.models import PeriodicTask

from cpds.base import db
from cpds.base.errors import CPDSError
from tasks_app.admin.shared import display
from tasks_app.admin.shared.base import EXCERPT_CHARACTERS, ReadOnlyAdmin, at, may_view, recall
from tasks_app.admin.shared.sections import Section
from tasks_app.models import Schedule, ScheduleFire

SHOWN_ROWS = 20


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyAdmin):
    """Schedules. What is made of them for beat stands under Periodic tasks."""

    list_display = (
        "of_workflow",
        "cron",
        "timezone",
        "is_active",
        at("next_fire_at"),
        at("last_fired_at"),
        "overlap",
        "catchup",
        "why_paused",
        "project",
    )
    list_filter = ("paused", "overlap", "catchup", "project")
    list_select_related = ("project", "workflow")
    excerpts = ("pause_reason",)
    search_fields = ("workflow__name", "^workflow__public_id", "cron")
    search_help_text = "A part of a workflow's name, the start of its id, or a part of an expression"
    date_hierarchy = "next_fire_at"
    ordering = ("-id",)
    actions = ("pause", "resume")
    fields = (
        "of_workflow",
        "project",
        "cron",
        "timezone",
        "overlap",
        "catchup",
        "given",
        "is_active",
        at("paused_at"),
        "whole_reason",
        at("next_fire_at"),
        at("last_fired_at"),
        "of_beat",
    )

    def has_control_permission(self, request: HttpRequest) -> bool:
        """Let those pause and resume who may change schedules."""
        return request.user.has_perm("tasks_app.change_schedule")

    @admin.action(description="Pause: start nothing by itself", permissions=["control"])
    def pause(self, request: HttpRequest, rows: QuerySet[Schedule]) -> None:
        """Pause the chosen schedules."""
        # Imported late: definitions are read with a heavy library, and every program imports the admin.
        from tasks_app.services.schedules.control import pause_schedule

        by = request.user.get_username()
        reason = f"paused in the admin by {by}"
        self._control(
            request, rows, "paused", lambda given: pause_schedule(given=given, reason=reason, by=by)
        )

    @admin.action(description="Resume: fire again, from now on", permissions=["control"])
    def resume(self, request: HttpRequest, rows: QuerySet[Schedule]) -> None:
        """Resume the chosen schedules."""
        from tasks_app.services.schedules.control import resume_schedule

        by = request.user.get_username()
        self._control(request, rows, "resumed", lambda given: resume_schedule(given=given, by=by))

    def _control(
        self, request: HttpRequest, rows: QuerySet[Schedule], done: str, act: Callable[[str], object]
    ) -> None:
        count = 0
        for given in rows.values_list("workflow__public_id", flat=True):
            try:
                act(given)
                count += 1
            except CPDSError as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
        self.message_user(request, f"{count} schedule(s) {done}.")

    def sections(self, request: HttpRequest, obj: Schedule) -> list[Section]:
        """Return its newest fires to those who may see them."""
        return [_fires(obj)] if may_view(request, ScheduleFire) else []

    @admin.display(description="workflow", ordering="workflow__name")
    def of_workflow(self, obj: Schedule) -> str:
        """Link to the workflow."""
        return display.link(obj.workflow)

    @admin.display(description="active", ordering="paused", boolean=True)
    def is_active(self, obj: Schedule) -> bool:
        """Say whether it fires by itself."""
        return not obj.paused

    @admin.display(description="why paused")
    def why_paused(self, obj: Schedule) -> str:
        """Show the beginning of the reason."""
        return display.beginning(recall(obj, "pause_reason_excerpt"), limit=EXCERPT_CHARACTERS)

    @admin.display(description="why paused")
    def whole_reason(self, obj: Schedule) -> str:
        """Show the reason."""
        return display.text(obj.pause_reason)

    @admin.display(description="parameters")
    def given(self, obj: Schedule) -> str:
        """Show the parameters of the instances it starts."""
        return display.pretty(obj.params)

    @admin.display(description="periodic task")
    def of_beat(self, obj: Schedule) -> str:
        """Link to what is made of it for beat."""
        return display.NOTHING if obj.periodic_task is None else display.link(obj.periodic_task)


@admin.register(ScheduleFire)
class ScheduleFireAdmin(ReadOnlyAdmin):
    """Fires: each time a schedule came due, and what came of it."""

    list_display = (at("fire_at"), "of_schedule", "outcome", "started", "about", at("created_at"))
    list_filter = ("outcome", "fire_at")
    list_select_related = ("schedule__workflow", "instance")
    excerpts = ("note",)
    search_fields = ("schedule__workflow__name", "^instance__public_id")
    search_help_text = "A part of a workflow's name, or the start of an instance's id"
    date_hierarchy = "fire_at"
    ordering = ("-id",)
    fields = (at("fire_at"), "of_schedule", "outcome", "started", "whole_note", at("created_at"))

    @admin.display(description="schedule", ordering="schedule__workflow__name")
    def of_schedule(self, obj: ScheduleFire) -> str:
        """Link to the schedule."""
        return display.link(obj.schedule, obj.schedule.workflow.name)

    @admin.display(description="instance")
    def started(self, obj: ScheduleFire) -> str:
        """Link to what it started."""
        return _started(obj)

    @admin.display(description="note")
    def about(self, obj: ScheduleFire) -> str:
        """Show the beginning of the note."""
        return display.beginning(recall(obj, "note_excerpt"), limit=EXCERPT_CHARACTERS)

    @admin.display(description="note")
    def whole_note(self, obj: ScheduleFire) -> str:
        """Show the note."""
        return display.text(obj.note)


admin.site.unregister(PeriodicTask)


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(BeatsPeriodicTaskAdmin):  # type: ignore[misc]  # the library has no types
    """Beat's periodic tasks, which the list too saves one by one, so that schedules hear of each switch."""

    @admin.action(description="Enable selected tasks")
    def enable_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Switch the chosen tasks on."""
        self._switch(request, queryset, "enabled", lambda _: True)

    @admin.action(description="Disable selected tasks")
    def disable_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Switch the chosen tasks off."""
        self._switch(request, queryset, "disabled", lambda _: False)

    @admin.action(description="Toggle activity of selected tasks")
    def toggle_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Switch the chosen tasks to what each is not."""
        self._switch(request, queryset, "toggled", lambda task: not task.enabled)

    def _switch(
        self, request: HttpRequest, tasks: QuerySet[Any], done: str, is_on: Callable[[Any], bool]
    ) -> None:
        with db.transaction():
            chosen = list(tasks.order_by("pk"))
            for task in chosen:
                task.enabled = is_on(task)
                task.save()
        self.message_user(request, f"{len(chosen)} task(s) successfully {done}.")


def _started(fire: Any) -> str:
    return display.NOTHING if fire.instance is None else display.link(fire.instance)


def _fires(schedule: Schedule) -> Section:
    fires = schedule.fires.select_related("instance").order_by("-fire_at")[:SHOWN_ROWS]
    return Section(
        title="Newest fires",
        columns=["Time", "Outcome", "Instance", "Note"],
        rows=[
            [
                display.moment(each.fire_at),
                each.outcome,
                _started(each),
                display.beginning(each.note, limit=EXCERPT_CHARACTERS),
            ]
            for each in fires
        ],
        more=display.list_link("tasks_app_schedulefire", "All fires", q=schedule.workflow.name),
        empty="It has not fired yet.",
    )
