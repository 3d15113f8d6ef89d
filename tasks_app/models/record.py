"""One attempt at a task: who, when, prompt, output, error, tokens, cost."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tasks_app.models.task import Task
from tasks_app.states import RecordState


class ExecutionRecord(models.Model):
    """One attempt. Opened by the claim, closed by whoever still holds it or by the rescue.

    ``cost_usd_micros`` is millionths of a US dollar, null when no price is
    known. ``tokens`` has every kind by the API's names; ``tokens_used`` is
    their sum of input (cached or not) and output.
    """

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="records", db_index=False)
    number = models.PositiveIntegerField("attempt")
    dispatch_id = models.CharField(max_length=32)
    executor = models.CharField(max_length=100)
    mode = models.CharField(max_length=16, blank=True)
    worker = models.CharField(max_length=200)
    status = models.CharField(
        max_length=16,
        choices=[(state.value, state.value) for state in RecordState],
        default=RecordState.RUNNING,
    )
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    revoked_until = models.DateTimeField(null=True, blank=True)
    """Its claim was revoked, and its worker may not have stopped before this time: the end of the lease."""
    prompt = models.TextField(null=True, blank=True)
    answer = models.TextField(null=True, blank=True)
    output = models.JSONField(null=True, blank=True)
    error_kind = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    error_detail = models.JSONField(default=dict, blank=True)
    model = models.CharField(max_length=100, blank=True)
    call_id = models.CharField(max_length=100, blank=True)
    tokens = models.JSONField(default=dict, blank=True)
    tokens_used = models.PositiveBigIntegerField(null=True, blank=True)
    cost_usd_micros = models.PositiveBigIntegerField(null=True, blank=True)
    simulated = models.BooleanField(default=False)
    metadata = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints: ClassVar = [
            # Prevents one attempt from being counted twice.
            models.UniqueConstraint(fields=["task", "number"], name="record_per_attempt"),
            # The second lock: one claim for each dispatch of a task.
            models.UniqueConstraint(fields=["task", "dispatch_id"], name="record_per_dispatch"),
        ]
        indexes: ClassVar = [
            # What was told to stop and may not have: few among many.
            models.Index(
                fields=["revoked_until"], name="record_revoked", condition=Q(revoked_until__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of task {self.task_id}"

    @property
    def duration_ms(self) -> int | None:
        """Milliseconds from claim to end; None while it runs."""
        if self.finished_at is None:
            return None
        return round((self.finished_at - self.started_at).total_seconds() * 1000)
