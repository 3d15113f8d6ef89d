"""A living process that executes tasks."""

from enum import StrEnum
from typing import Any, ClassVar, Final

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from cpds.base import clock
from workers_app.models import identifiers

HEARTBEAT_SECONDS: Final = 30.0
"""The rhythm of a worker that does not tell its own."""
SILENT_BEATS: Final = 3
"""So many of its heartbeats without a word, and a worker counts as gone."""


class WorkerKind(StrEnum):
    """How a worker gets its tasks."""

    CELERY = "celery"
    HTTP = "http"


class WorkerQuerySet(models.QuerySet["Worker"]):
    """Which workers."""

    def celery(self) -> "WorkerQuerySet":
        """Those that take their tasks from the broker."""
        return self.filter(kind=WorkerKind.CELERY)

    def http(self) -> "WorkerQuerySet":
        """Those that fetch their tasks over HTTP."""
        return self.filter(kind=WorkerKind.HTTP)

    def beat(self, *, heartbeat_seconds: float, **changes: Any) -> int:
        """Note that these are alive, and to be heard of every ``heartbeat_seconds``; return how many are."""
        return self.update(
            heartbeat_seconds=heartbeat_seconds,
            heartbeat_at=clock.database_now(),
            silent_at=clock.database_now_plus(heartbeat_seconds * SILENT_BEATS),
            left_at=None,
            **changes,
        )

    def start(self, *, heartbeat_seconds: float, **facts: Any) -> int:
        """Note that these have just started: what was asked of the processes before them is over."""
        return self.beat(
            heartbeat_seconds=heartbeat_seconds,
            started_at=clock.database_now(),
            draining_at=None,
            stop_requested_at=None,
            **facts,
        )

    def alive(self) -> "WorkerQuerySet":
        """Those that are heard of as often as they are to be, and have not said goodbye."""
        return self.filter(silent_at__gt=clock.database_now(), left_at__isnull=True)

    def lost(self, recent_seconds: float) -> "WorkerQuerySet":
        """Those that fell silent without a goodbye, not more than ``recent_seconds`` ago."""
        now, recently = clock.database_now(), clock.database_now_plus(-recent_seconds)
        return self.filter(silent_at__lte=now, silent_at__gt=recently, left_at__isnull=True)

    def gone(self, seconds: float) -> "WorkerQuerySet":
        """Those that have been silent for so long, and of which nobody wants anything."""
        cutoff = clock.database_now_plus(-seconds)
        return self.filter(silent_at__lt=cutoff, drain_requested_at__isnull=True)

    def accepting(self) -> "WorkerQuerySet":
        """Those that start new tasks: nobody asked them to stop, and they do not stop by themselves."""
        return self.filter(
            draining_at__isnull=True, drain_requested_at__isnull=True, stop_requested_at__isnull=True
        )


class Worker(models.Model):
    """One worker: it keeps its row, and its id, when it is started again under its name.

    What it is doing (idle, busy …) is not stored: ``services.roster`` derives it
    from the heartbeat, the wishes below and the tasks it holds.
    """

    public_id = models.CharField(
        "id", max_length=100, unique=True, default=identifiers.worker_id, editable=False
    )
    """Ours, or one that a worker over HTTP chose for itself."""
    kind = models.CharField(
        max_length=8, choices=[(kind.value, kind.value) for kind in WorkerKind], default=WorkerKind.CELERY
    )
    project = models.ForeignKey(
        "tasks_app.Project", on_delete=models.CASCADE, null=True, blank=True, related_name="workers"
    )
    """Whose it is; None for one that belongs to the installation, as every Celery worker does."""
    pool = models.CharField(max_length=64, blank=True)
    """The pool of the token it came in with; empty for one that belongs to the installation."""
    name = models.CharField(max_length=200)
    host = models.CharField(max_length=200, blank=True)
    pid = models.PositiveIntegerField(null=True, blank=True)
    slots = models.PositiveIntegerField()
    """How many tasks it runs at once."""
    is_limited = models.BooleanField(default=False)
    """Whether one over HTTP is given no more at once than that: it said how many, and was not only taken
    to have one."""
    platform = models.CharField(max_length=100, blank=True)
    version = models.CharField(max_length=40, blank=True)
    """Of its software."""
    capabilities = models.JSONField(default=list, blank=True)
    """What it can do, detected and declared: words, sorted."""
    labels = models.JSONField(default=dict, blank=True)
    """What its operator says of it, for people: names and values."""
    tools = models.JSONField(default=dict, blank=True)
    """The programs it found, each with its version, empty where that is not known."""
    queues = models.JSONField(default=list, blank=True)
    """The queues it consumes."""
    projects = models.JSONField(default=list, blank=True)
    """The slugs of the only projects whose tasks it takes; empty: of any."""
    metadata = models.JSONField(default=dict, blank=True)
    cpu_percent = models.FloatField(null=True, blank=True)
    memory_percent = models.FloatField(null=True, blank=True)
    disk_percent = models.FloatField(null=True, blank=True)
    """Of its machine, as of its last heartbeat."""
    tasks_completed = models.PositiveBigIntegerField(default=0)
    registered_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(db_default=Now())
    heartbeat_at = models.DateTimeField(db_default=Now())
    heartbeat_seconds = models.FloatField(default=HEARTBEAT_SECONDS)
    """How often it is to be heard of."""
    silent_at = models.DateTimeField(db_default=Now())
    """When it counts as gone, unless it is heard of before."""
    draining_at = models.DateTimeField(null=True, blank=True)
    """Since when it takes nothing new because it is stopping."""
    drain_requested_at = models.DateTimeField(null=True, blank=True)
    """Since when an operator wants it to take nothing new. It outlives a restart."""
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    """When an operator asked it to stop."""
    left_at = models.DateTimeField(null=True, blank=True)
    """When it stopped in good order."""

    objects: ClassVar = WorkerQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            # Prevents two workers that could hold claims under one name.
            models.UniqueConstraint(fields=["name"], name="worker_name", condition=Q(project__isnull=True)),
        ]
        indexes: ClassVar = [
            # Whether a project has somebody over HTTP, asked with each task that is created.
            models.Index(fields=["project", "name"], name="worker_of_project"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def holder(self) -> str:
        """The word under which its claims are held: a node's name, or the id of a worker over HTTP."""
        return self.name if self.kind == WorkerKind.CELERY else self.public_id

    @property
    def is_draining(self) -> bool:
        """Whether it takes nothing new."""
        return any((self.draining_at, self.drain_requested_at, self.stop_requested_at))
