"""Who belongs to a project, and what they may do there."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from tasks_app.models.project import Project
from tasks_app.roles import Role


class Membership(models.Model):
    """A user's role in a project."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=[(role.value, role.value) for role in Role])
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar = [
            # Prevents two roles of one user in one project.
            models.UniqueConstraint(fields=["user", "project"], name="membership_once"),
        ]

    def __str__(self) -> str:
        return f"user {self.user_id}: {self.role} of project {self.project_id}"
