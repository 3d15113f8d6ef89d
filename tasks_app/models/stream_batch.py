"""What continuous tasks handed on."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from tasks_app.models.task import Task


class StreamBatch(models.Model):
    """One flush of a continuous task's buffer: one input of each of its dependants. Never changed.

    ``number`` counts from 1 without gaps, whatever attempt wrote it. What of it was
    consumed is told by the tasks that dependants have for it.
    """

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="batches", db_index=False)
    number = models.PositiveIntegerField()
    items = models.JSONField()
    item_count = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "stream batches"
        constraints: ClassVar = [
            # Prevents a batch from being written twice, and finds the next one.
            models.UniqueConstraint(fields=["task", "number"], name="batch_number_per_task"),
        ]

    def __str__(self) -> str:
        return f"batch {self.number} of task {self.task_id}"
