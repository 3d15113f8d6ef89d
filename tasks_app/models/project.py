"""The tenant: everything belongs to one."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
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
    """A tenant. Its slug stands in addresses and never changes.

    ``max_parallel`` is how many of its tasks may run at once (null: as many as there are
    slots), ``weight`` its share of the slots beside projects that wait as well.
    """

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    max_parallel = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    weight = models.PositiveIntegerField(
        default=1, db_default=1, validators=[MinValueValidator(1), MaxValueValidator(1000)]
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects: ClassVar = ProjectQuerySet.as_manager()

    class Meta:
        permissions: ClassVar = [
            # Asked for by the admin, whose pages know no tenants.
            ("see_all_projects", "Can look into every project"),
        ]

    def __str__(self) -> str:
        return self.name
