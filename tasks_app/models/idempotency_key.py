"""What was answered to a request that may come again."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class IdempotencyKey(models.Model):
    """The first answer to a request with an ``Idempotency-Key``.

    Written in the transaction that makes the object: there is the object and its answer,
    or neither. ``scope`` is whose key it is, ``act`` the method and the path, ``digest``
    the SHA-256 of what was asked.
    """

    scope = models.CharField(max_length=40)
    act = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    http_status = models.PositiveSmallIntegerField(null=True)
    location = models.TextField(blank=True)
    answer = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            # Lets the second of two equal requests wait for the first, and find its answer.
            models.UniqueConstraint(fields=["scope", "act", "key"], name="idempotency_key_once"),
        ]
        indexes: ClassVar = [
            # What pruning looks for.
            models.Index(fields=["expires_at"], name="idempotency_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.act}: {self.key}"
