"""A living process that executes tasks."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from cpds.base import clock


class WorkerQuerySet(models.QuerySet["Worker"]):
    """Which workers."""

    def alive(self, *, silent_seconds: float) -> "WorkerQuerySet":
        """Those that were heard of in the last ``silent_seconds`` and have not said goodbye."""
        return self.filter(left_at__isnull=True, heartbeat_at__gt=clock.database_now_plus(-silent_seconds))


class Worker(models.Model):
    """One worker, by the name of its node: it keeps its row when it is started again.

    ``slots`` is how many tasks it runs at once. ``left_at`` is set when it stops
    in good order.
    """

    name = models.CharField(max_length=200, unique=True)
    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    slots = models.PositiveIntegerField()
    platform = models.CharField(max_length=100, blank=True)
    version = models.CharField(max_length=40, blank=True)
    registered_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(db_default=Now())
    heartbeat_at = models.DateTimeField(db_default=Now())
    left_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
