"""What tasks require of their workers, each combination once."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from tasks_app.planning.values.requirements import LONGEST_NAME


class RequirementSet(models.Model):
    """A combination of capabilities that tasks require. It has a queue of its own."""

    name = models.CharField(max_length=LONGEST_NAME, unique=True)
    capabilities = models.JSONField(default=list)
    used_at = models.DateTimeField(db_default=Now())
    """When a task that requires it was last created, to about a minute."""

    class Meta:
        indexes: ClassVar = [
            # Those asked for most recently, which workers look for.
            models.Index(fields=["-used_at"], name="requirement_used"),
        ]

    def __str__(self) -> str:
        return self.name
