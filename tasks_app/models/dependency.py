"""The edges of an instance's graph."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from tasks_app.models.task import Task


class Dependency(models.Model):
    """``task`` needs ``needed``: it may not start before that has completed."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="needs", db_index=False)
    needed = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="followers")
    is_foreign = models.BooleanField(default=False)
    """Whether ``needed`` is a task of another instance."""

    class Meta:
        verbose_name_plural = "dependencies"
        constraints: ClassVar = [
            # Prevents an edge from counting twice in a join.
            models.UniqueConstraint(fields=["task", "needed"], name="dependency_once"),
        ]
        indexes: ClassVar = [
            # Who waits for tasks of other instances: few among many.
            models.Index(fields=["needed"], name="dependency_foreign", condition=Q(is_foreign=True)),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} needs {self.needed_id}"
