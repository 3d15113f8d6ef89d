"""One login of a user, and which refresh token goes on with it."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Login(models.Model):
    """The family of the tokens that follow from one login.

    ``refresh_id`` names the only refresh token that is good: each use replaces it, and
    one that was replaced ends the family. So does logging out.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="logins")
    family = models.CharField(max_length=32, unique=True)
    refresh_id = models.CharField(max_length=32)
    address = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            # What pruning looks for.
            models.Index(fields=["expires_at"], name="login_expiry"),
        ]

    def __str__(self) -> str:
        return f"login {self.family}"
