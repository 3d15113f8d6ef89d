"""What happened, in order: the one ledger behind history, live views and audit."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tasks_app import signals
from tasks_app.models.instance import Instance
from tasks_app.models.project import Project
from tasks_app.models.task import Task


class EventQuerySet(models.QuerySet["Event"]):
    """Which events; what is written is passed on to whoever listens."""

    def bulk_create(self, objs: Iterable["Event"], *args: Any, **kwargs: Any) -> list["Event"]:
        """Insert events, and pass on that they were written."""
        events = super().bulk_create(objs, *args, **kwargs)
        signals.events_written(
            (event.instance_id, event.kind) for event in events if event.instance_id is not None
        )
        return events


class Event(models.Model):
    """One thing that happened. Never changed.

    ``kind`` is ``instance.<state>`` or ``task.<state>`` for a move, and
    ``task.progress``, ``task.log`` or ``task.batch`` for what a task said while it ran.
    ``project`` is set where a person acted: on an instance, or, without one, on something
    else of the project (``workflow.uploaded``, ``token.revoked``). An event with neither
    is about the whole installation. ``data`` then says who, from where, before and after.
    """

    instance = models.ForeignKey(
        Instance, on_delete=models.CASCADE, related_name="events", db_index=False, null=True, blank=True
    )
    project = models.ForeignKey(
        Project,
        on_delete=models.SET_NULL,
        related_name="events",
        db_index=False,
        null=True,
        blank=True,
    )
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="events", null=True, blank=True)
    kind = models.CharField(max_length=40)
    attempt = models.PositiveIntegerField(null=True, blank=True)
    worker = models.CharField(max_length=200, blank=True)
    message = models.TextField(blank=True)
    data = models.JSONField(default=dict, blank=True)
    happened_at = models.DateTimeField(db_default=Now(), editable=False)

    objects: ClassVar = EventQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            # The history of an instance, and what is new in it since an event.
            models.Index(fields=["instance", "id"], name="event_history"),
            # What people did, in a project and everywhere: few among many.
            models.Index(fields=["project", "id"], name="event_audit", condition=Q(project__isnull=False)),
            models.Index(
                fields=["id"],
                name="event_audit_everywhere",
                condition=Q(project__isnull=False) | Q(instance__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the event, and pass on that it was written."""
        super().save(*args, **kwargs)
        if self.instance_id is not None:
            signals.events_written([(self.instance_id, self.kind)])
