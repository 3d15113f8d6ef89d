"""When a workflow starts by itself, and each time that it did."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from cpds.base import db
from tasks_app.models.instance import Instance
from tasks_app.models.project import Project
from tasks_app.models.workflow import Workflow
from tasks_app.states import Catchup, FireOutcome, Overlap


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    """Which schedules."""

    def due(self) -> "ScheduleQuerySet":
        """Those whose time has come, by the database's clock."""
        return self.filter(paused=False, next_fire_at__lte=Now())

    def locked(self, schedule_id: int) -> "Schedule | None":
        """Lock and return one schedule until the transaction ends, or None when it is gone.

        Locks are taken in one order everywhere: workflow, then schedule. The
        database's time stands beside the columns, as ``asked_at``.
        """
        workflow = Workflow.objects.filter(Exists(self.filter(pk=schedule_id, workflow=OuterRef("pk"))))
        if db.locking(workflow).first() is None:
            return None
        schedule = db.locking(self).filter(pk=schedule_id).first()
        if schedule is not None:
            schedule.asked_at = self.annotate(at=Now()).values_list("at", flat=True).get(pk=schedule_id)
        return schedule


class Schedule(models.Model):
    """When instances of a workflow start by themselves: read from its newest version.

    ``next_fire_at`` is the first time that is still to be fired, null while it is
    paused. ``periodic_task`` is made from it, so that celery-beat sends a message at
    its times; switching that off in the admin pauses the schedule.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="schedules")
    workflow = models.OneToOneField(Workflow, on_delete=models.CASCADE, related_name="schedule")
    cron = models.CharField(max_length=200)
    timezone = models.CharField(max_length=64, default="UTC")
    overlap = models.CharField(
        max_length=16, choices=[(each.value, each.value) for each in Overlap], default=Overlap.SKIP
    )
    catchup = models.CharField(
        max_length=8, choices=[(each.value, each.value) for each in Catchup], default=Catchup.LATEST
    )
    params = models.JSONField(default=dict, blank=True)
    paused = models.BooleanField(default=False)
    paused_at = models.DateTimeField(null=True, blank=True)
    pause_reason = models.TextField(blank=True)
    next_fire_at = models.DateTimeField(null=True, blank=True)
    last_fired_at = models.DateTimeField(null=True, blank=True)
    periodic_task = models.OneToOneField(
        "django_celery_beat.PeriodicTask",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="cpds_schedule",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    asked_at: datetime
    """The database's time, on a row that ``locked`` returned."""

    objects: ClassVar = ScheduleQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            # Whose time has come.
            models.Index(
                fields=["next_fire_at"],
                name="schedule_due",
                condition=Q(paused=False, next_fire_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cron} ({self.timezone})"


class ScheduleFire(models.Model):
    """One time that a schedule came due, or was fired by hand, and what came of it. Never changed."""

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="fires", db_index=False)
    fire_at = models.DateTimeField()
    instance = models.OneToOneField(
        Instance, on_delete=models.SET_NULL, null=True, blank=True, related_name="fire"
    )
    outcome = models.CharField(max_length=8, choices=[(each.value, each.value) for each in FireOutcome])
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar = [
            # Prevents two beats, or a beat and a sweep, from firing the same time twice.
            models.UniqueConstraint(fields=["schedule", "fire_at"], name="fire_once"),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} at {self.fire_at:%Y-%m-%d %H:%M:%S}"
