"""What programs show instead of a password."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tasks_app.models.project import Project
from tasks_app.roles import Role, TokenKind


class ApiToken(models.Model):
    """A secret that stands for its user, or for a worker, within a project and a role.

    Only the SHA-256 of the secret is stored; ``prefix`` is its visible beginning. A
    personal token without a user acts for its project alone. Without a project it holds
    wherever its user is a member. ``last_used_at`` is written once a minute at most.
    ``pool`` is where the workers of a worker token belong.
    """

    kind = models.CharField(max_length=10, choices=[(kind.value, kind.value) for kind in TokenKind])
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=20)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="api_tokens",
        null=True,
        blank=True,
    )
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="api_tokens", null=True, blank=True
    )
    role = models.CharField(max_length=10, choices=[(role.value, role.value) for role in Role])
    pool = models.CharField(max_length=64, blank=True)
    created_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API token"
        constraints: ClassVar = [
            # Prevents a token that would hold everywhere for nobody.
            models.CheckConstraint(
                condition=Q(user__isnull=False) | Q(project__isnull=False), name="token_of_somebody"
            ),
            # Prevents a worker that belongs to no project.
            models.CheckConstraint(
                condition=~Q(kind=TokenKind.WORKER.value) | Q(project__isnull=False),
                name="worker_token_of_a_project",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
