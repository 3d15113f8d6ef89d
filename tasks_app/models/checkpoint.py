"""The questions that tasks put to people."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tasks_app.models.instance import Instance
from tasks_app.models.task import Task
from tasks_app.states import CheckpointState


class Checkpoint(models.Model):
    """A place where a person decides whether a task runs. It holds no worker slot.

    ``number`` counts from 1: a task that is retried after a rejection asks again.
    ``values`` fit ``form``, a JSON Schema, once it is approved.
    """

    instance = models.ForeignKey(
        Instance, on_delete=models.CASCADE, related_name="checkpoints", db_index=False
    )
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="checkpoints", db_index=False)
    number = models.PositiveIntegerField()
    allowed = models.JSONField(default=list, blank=True)
    """The people and groups that may answer; empty: anyone."""
    form = models.JSONField(default=dict, blank=True)
    default = models.CharField(max_length=8, choices=[("approve", "approve"), ("reject", "reject")])
    """The answer when none comes in time."""
    state = models.CharField(
        max_length=10,
        choices=[(each.value, each.value) for each in CheckpointState],
        default=CheckpointState.OPEN,
    )
    opened_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.CharField(max_length=200, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    comment = models.TextField(blank=True)
    values = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints: ClassVar = [
            # Prevents two deliveries of one task from asking twice.
            models.UniqueConstraint(fields=["task", "number"], name="checkpoint_number_per_task"),
            models.UniqueConstraint(
                fields=["task"], name="one_open_checkpoint", condition=Q(state=CheckpointState.OPEN)
            ),
        ]
        indexes: ClassVar = [
            # What an instance asks and asked.
            models.Index(fields=["instance", "id"], name="checkpoint_history"),
            # Whose time is up.
            models.Index(
                fields=["expires_at"], name="checkpoint_expiry", condition=Q(state=CheckpointState.OPEN)
            ),
        ]

    def __str__(self) -> str:
        return f"checkpoint {self.number} of task {self.task_id}"

    @property
    def lets_pass(self) -> bool:
        """Whether its task may go on: it was approved, or nobody objected in time."""
        return self.state == CheckpointState.APPROVED or (
            self.state == CheckpointState.EXPIRED and self.default == "approve"
        )
