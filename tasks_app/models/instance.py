"""One run of one version of a workflow."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from cpds.base import db
from tasks_app.models import identifiers
from tasks_app.models.moves import InstanceMoves
from tasks_app.models.project import Project
from tasks_app.models.workflow import Workflow, WorkflowVersion
from tasks_app.states import INSTANCE_UNFINISHED, InstanceState


class InstanceQuerySet(InstanceMoves):
    """Which instances."""

    def unfinished(self) -> "InstanceQuerySet":
        """Those that have not ended."""
        return self.filter(status__in=sorted(INSTANCE_UNFINISHED))

    def locked(self, instance_id: int) -> "Instance | None":
        """Lock and return one instance until the transaction ends, or None when it is gone.

        Locks are taken in one order everywhere: instance, then tasks by key.
        The lock leaves foreign-key checks free, so writing an event of the
        instance does not wait for its planner.
        """
        return db.locking(self).filter(pk=instance_id).first()


class Instance(models.Model):
    """One run. ``params`` are complete: defaults included."""

    public_id = models.CharField(
        "id", max_length=40, unique=True, default=identifiers.instance_id, editable=False
    )
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="instances")
    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="instances", db_index=False)
    version = models.ForeignKey(WorkflowVersion, on_delete=models.CASCADE, related_name="instances")
    status = models.CharField(
        max_length=16,
        choices=[(state.value, state.value) for state in InstanceState],
        default=InstanceState.PENDING,
    )
    params = models.JSONField(default=dict)
    task_count = models.PositiveIntegerField()
    error_message = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = InstanceQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            # The history of a workflow, newest first.
            models.Index(fields=["workflow", "-id"], name="instance_history"),
            # What is not over yet: few among many.
            models.Index(
                fields=["status"],
                name="instance_unfinished",
                condition=Q(status__in=sorted(INSTANCE_UNFINISHED)),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id
