"""Deliveries to the listeners of tests, made in this process."""

from cpds.base import clock
from tasks_app.models import Delivery
from tests.support.driving import LONG_AGO
from workers_app.listeners.deliver import deliver_events

PATH = "tests.support.listeners_for_tests"


def deliver(instance):
    return deliver_events(listener="in-memory", instance_id=instance.pk)


def delivery_of(instance):
    return Delivery.objects.get(instance=instance)


def age(instance):
    """Let the waits and leases of the instance's deliveries be over."""
    past = clock.database_now_plus(LONG_AGO)
    Delivery.objects.filter(instance=instance, wake_at__isnull=False).update(wake_at=past)
    Delivery.objects.filter(instance=instance, lease_expires_at__isnull=False).update(lease_expires_at=past)
    Delivery.objects.filter(instance=instance, rung_at__isnull=False).update(rung_at=past)


class FailsAtFirst:
    """Raises the first ``times`` times."""

    def __init__(self, times):
        self.times = times
        self.calls = 0

    def __call__(self, _event):
        self.calls += 1
        if self.calls <= self.times:
            raise RuntimeError("as asked")
