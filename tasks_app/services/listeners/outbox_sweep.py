"""The chore that rings for whatever a lost bell, a dead worker or a wait left undelivered."""

import logging
from collections.abc import Collection
from typing import Final

from django.db import IntegrityError, connection
from django.db.models import Max, Q

from cpds.base import clock, db
from cpds.base.conf import conf
from tasks_app.models import Delivery, Event, Listener
from tasks_app.planning.values.event_names import kinds_wanted
from tasks_app.services.listeners.deliveries import ensure_listener
from tasks_app.services.listeners.outbox_notify import ring
from tasks_app.services.listeners.subscriptions import wishes
from tasks_app.services.lookup.watermark import settled_event

logger = logging.getLogger(__name__)

SPAN: Final = 5_000
"""Events looked through in one transaction."""
SPANS: Final = 20
"""Spans for each listener in one sweep."""


def ring_undelivered() -> int:
    """Ring for every listener that has something to hear and is not being told; return how many times."""
    listening = wishes()
    if not listening:
        return 0
    settled = settled_event()
    rung = 0
    for listener, names in listening.items():
        ensure_listener(listener)
        if settled is not None:
            _look_through(listener, kinds_wanted(names), settled)
        rung += ring_waiting(listener)
    return rung


def ring_waiting(listener: str) -> int:
    """Ring for what a listener has to hear, as much as may be under way at a time; return how many times."""
    room = conf().listener_parallel - Delivery.objects.filter(listener_id=listener).leased().count()
    if room <= 0:
        return 0
    # What was rung for lately waits in the queue for a free slot: another bell would only make it longer.
    lately = clock.database_now_plus(-conf().redeliver_seconds)
    waiting = Delivery.objects.due().filter(
        Q(rung_at__isnull=True) | Q(rung_at__lt=lately), listener_id=listener
    )
    chosen = list(waiting.order_by("id").values_list("pk", "instance_id")[:room])
    if not chosen:
        return 0
    Delivery.objects.filter(pk__in=[pk for pk, _ in chosen]).update(rung_at=clock.database_now())
    return ring({(listener, instance_id) for _, instance_id in chosen})


def _look_through(listener: str, kinds: Collection[str], settled: int) -> None:
    for _ in range(SPANS):
        try:
            if not _look_through_a_span(listener, kinds, settled):
                return
        except IntegrityError:  # an instance was deleted meanwhile; its events are gone with it
            logger.debug("looks_again listener=%s", listener)


def _look_through_a_span(listener: str, kinds: Collection[str], settled: int) -> bool:
    """Note in the cursors what is to be told; return whether there may be more to look through."""
    with db.transaction():
        row = Listener.objects.select_for_update().get(pk=listener)
        if row.looked_to >= settled:
            return False
        end = min(settled, row.looked_to + SPAN)
        found = (
            Event.objects.filter(id__gt=row.looked_to, id__lte=end, kind__in=sorted(kinds))
            .values_list("instance_id")
            .annotate(newest=Max("id"))
            .order_by("instance_id")
        )
        Delivery.objects.bulk_create(
            [
                Delivery(
                    listener=row,
                    instance_id=instance_id,
                    delivered_event_id=row.starts_after,
                    due_event_id=newest,
                )
                for instance_id, newest in found
            ],
            update_conflicts=True,
            update_fields=["due_event_id"],
            unique_fields=["listener", "instance"]
            if connection.features.supports_update_conflicts_with_target
            else None,
        )
        Listener.objects.filter(pk=row.pk).update(looked_to=end)
    return end < settled
