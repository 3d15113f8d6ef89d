"""The tenant: everything belongs to one."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

DEFAULT_PROJECT = "default"


class ProjectQuerySet(models.QuerySet["Project"]):
    """Which projects."""

    def default(self) -> "Project":
        """Return the project of installations that have only one; it is made on first use."""
        project, _ = self.get_or_create(slug=DEFAULT_PROJECT, defaults={"name": "Default project"})
        return project


class Project(models.Model):
    """A tenant. Its slug stands in addresses and never changes."""

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects: ClassVar = ProjectQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
