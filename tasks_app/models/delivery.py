"""How far each listener has been told of each instance."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from cpds.base import clock
from tasks_app.models.instance import Instance


class Listener(models.Model):
    """A listener that was seen in the settings.

    Every event up to ``looked_to`` that it wants has its ``Delivery``;
    ``starts_after`` is the last event that happened before its time.
    """

    name = models.CharField(max_length=100, primary_key=True)
    looked_to = models.PositiveBigIntegerField(default=0)
    starts_after = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.name


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Which deliveries."""

    def undelivered(self) -> "DeliveryQuerySet":
        """Those known to have something to tell."""
        return self.filter(due_event_id__gt=F("delivered_event_id"), is_parked=False)

    def leased(self) -> "DeliveryQuerySet":
        """Those that a worker is at now."""
        return self.filter(lease_expires_at__gt=clock.database_now())

    def free(self) -> "DeliveryQuerySet":
        """Those that nobody is at."""
        now = clock.database_now()
        return self.filter(Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lte=now))

    def due(self) -> "DeliveryQuerySet":
        """Those with something to tell that nobody is at and that wait for nothing."""
        now = clock.database_now()
        return self.undelivered().free().filter(Q(wake_at__isnull=True) | Q(wake_at__lte=now))

    def takeable(self) -> "DeliveryQuerySet":
        """Those that may be told of now: free, not parked, and not left alone after a failure."""
        now = clock.database_now()
        return self.free().filter(
            Q(failures=0) | Q(wake_at__isnull=True) | Q(wake_at__lte=now), is_parked=False
        )

    def held(self, *, delivery_id: int, lease_id: str) -> "DeliveryQuerySet":
        """The delivery, if it is held under this lease: the fence of every write about it."""
        return self.filter(pk=delivery_id, lease_id=lease_id)


class Delivery(models.Model):
    """One listener and one instance: the cursor, the lease, and what went wrong.

    Every event up to ``delivered_event_id`` was delivered or not wanted.
    ``due_event_id`` is the newest wanted one that is known.
    """

    listener = models.ForeignKey(
        Listener, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="deliveries")
    delivered_event_id = models.PositiveBigIntegerField(default=0)
    due_event_id = models.PositiveBigIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    """Failures in a row, since the last event that was delivered."""
    wake_at = models.DateTimeField(null=True, blank=True)
    """When to try again after a failure."""
    rung_at = models.DateTimeField(null=True, blank=True)
    """When the sweep last published that there is something to tell."""
    last_error = models.TextField(blank=True)
    is_parked = models.BooleanField(default=False)
    """Failed too often: nothing more is tried until an operator says so."""
    lease_id = models.CharField(max_length=32, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = DeliveryQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            # Prevents two cursors, each of which would deliver everything.
            models.UniqueConstraint(fields=["listener", "instance"], name="delivery_per_instance"),
        ]
        indexes: ClassVar = [
            # What the sweep has to ring for.
            models.Index(
                fields=["listener", "id"],
                name="delivery_due",
                condition=Q(due_event_id__gt=F("delivered_event_id"), is_parked=False),
            ),
            # How many are under way, and what a dead worker left.
            models.Index(
                fields=["listener", "lease_expires_at"],
                name="delivery_leases",
                condition=Q(lease_expires_at__isnull=False),
            ),
            # What waits for an operator.
            models.Index(fields=["listener"], name="delivery_parked", condition=Q(is_parked=True)),
        ]

    def __str__(self) -> str:
        return f"{self.listener_id} of {self.instance_id}"
