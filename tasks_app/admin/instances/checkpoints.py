"""What tasks ask people, and what was answered."""

from django.contrib import admin
from django.http import HttpRequest

from tasks_app.admin.instances.answers import answering
from tasks_app.admin.shared import display
from tasks_app.admin.shared.base import ReadOnlyAdmin, at
from tasks_app.admin.shared.filters import InstanceFilter
from tasks_app.models import Checkpoint


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnlyAdmin):
    """Checkpoints. They are answered by services, which check who may and what fits."""

    actions = (answering("approve"), answering("reject"))

    list_display = ("of_task", "of_instance", "state", at("opened_at"), at("expires_at"), "answered_by")
    list_filter = (InstanceFilter, "state", "opened_at")
    list_select_related = ("task", "instance")
    excerpts = ("comment",)
    search_fields = ("task__name", "^instance__public_id", "answered_by")
    search_help_text = "A part of a task's name, the start of an instance's id, or who answered"
    date_hierarchy = "opened_at"
    ordering = ("-id",)
    fields = (
        "of_task",
        "of_instance",
        "number",
        "state",
        "may_answer",
        "whole_form",
        "default",
        at("opened_at"),
        at("expires_at"),
        "answered_by",
        at("answered_at"),
        "whole_comment",
        "given_values",
    )

    def has_answer_permission(self, request: HttpRequest) -> bool:
        """Leave answering to those who may change checkpoints; the services write, never a form."""
        return request.user.has_perm("tasks_app.change_checkpoint")

    @admin.display(description="task", ordering="task__name")
    def of_task(self, obj: Checkpoint) -> str:
        """Link to the task."""
        return display.link(obj.task, obj.task.name)

    @admin.display(description="instance")
    def of_instance(self, obj: Checkpoint) -> str:
        """Link to the instance."""
        return display.link(obj.instance, obj.instance.public_id)

    @admin.display(description="may answer")
    def may_answer(self, obj: Checkpoint) -> str:
        """Show who may answer."""
        return ", ".join(obj.allowed) or "anyone"

    @admin.display(description="form")
    def whole_form(self, obj: Checkpoint) -> str:
        """Show what is asked."""
        return display.pretty(obj.form)

    @admin.display(description="comment")
    def whole_comment(self, obj: Checkpoint) -> str:
        """Show what was said."""
        return display.text(obj.comment)

    @admin.display(description="values")
    def given_values(self, obj: Checkpoint) -> str:
        """Show what was given."""
        return display.pretty(obj.values)
