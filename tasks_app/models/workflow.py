"""A definition and its versions. A version never changes; a change is a new version."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from tasks_app.models import identifiers
from tasks_app.models.project import Project


class Workflow(models.Model):
    """A named definition. ``latest`` is the number of its newest version."""

    public_id = models.CharField(
        "id", max_length=40, unique=True, default=identifiers.workflow_id, editable=False
    )
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="workflows")
    name = models.CharField(max_length=64)
    description = models.TextField(blank=True)
    latest = models.PositiveIntegerField(default=1)
    max_running = models.PositiveIntegerField(null=True, blank=True)
    """How many tasks of all its instances may be out at once, says its newest version; null: any number."""
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar = [
            # Prevents two uploads at once from making two workflows of one name.
            models.UniqueConstraint(fields=["project", "name"], name="workflow_name_per_project"),
        ]

    def __str__(self) -> str:
        return self.name


class WorkflowVersion(models.Model):
    """One immutable version: the text as uploaded and the definition read from it."""

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    source = models.TextField()
    definition = models.JSONField()
    digest = models.CharField(max_length=64)
    task_count = models.PositiveIntegerField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar = [
            # Prevents two uploads at once from taking the same number.
            models.UniqueConstraint(fields=["workflow", "number"], name="version_number_per_workflow"),
        ]

    def __str__(self) -> str:
        return f"{self.workflow.name} v{self.number}"
