"""Listeners for operators: how far each is, and going on with what was parked."""

import logging
from typing import Any, Final

from django.db.models import Count, Q
from msgspec.structs import asdict

from cpds.base import db
from cpds.base.view import View
from tasks_app.errors import NotFound
from tasks_app.models import Delivery, Event, Listener
from tasks_app.models.delivery import DeliveryQuerySet
from tasks_app.planning.values.event_names import kinds_wanted
from tasks_app.services.listeners.deliveries import name_of
from tasks_app.services.listeners.outbox_sweep import ring_waiting
from tasks_app.services.listeners.subscriptions import wishes
from tasks_app.services.lookup.by_name import find_instance

logger = logging.getLogger(__name__)

LISTING: Final = "manage.py listener list"
LOOKED_THROUGH: Final = 100
_AFRESH: Final[dict[str, Any]] = {"is_parked": False, "failures": 0, "wake_at": None, "rung_at": None}


class ListenerView(View):
    """A listener; the numbers are those of instances."""

    name: str
    configured: bool
    events: list[str]
    waiting: int
    failing: int
    parked: int
    last_error: str | None


class UnheardView(View):
    """An event that a listener has not heard; null when there is none."""

    event_id: int | None
    kind: str | None
    task: str | None


class FailedDeliveryView(View):
    """Where a listener fails: the instance, and the event it does not hear."""

    instance_id: str
    workflow_name: str
    parked: bool
    failures: int
    next_try_at: str | None
    last_error: str
    event_id: int | None
    kind: str | None
    task: str | None


def list_listeners() -> list[ListenerView]:
    """Return every listener that the settings name or that the record knows, by name."""
    listening = wishes()
    waiting = Q(pk__in=Delivery.objects.undelivered().values("pk"))
    counted: dict[str, dict[str, Any]] = {
        row["listener_id"]: dict(row)
        for row in Delivery.objects.filter(waiting | Q(is_parked=True))
        .values("listener_id")
        .annotate(
            waiting=Count("pk", filter=Q(is_parked=False)),
            failing=Count("pk", filter=Q(is_parked=False, failures__gt=0)),
            parked=Count("pk", filter=Q(is_parked=True)),
        )
        .order_by()
    }
    names = sorted({*listening, *Listener.objects.values_list("pk", flat=True)})
    return [
        ListenerView(
            name=name,
            configured=name in listening,
            events=sorted(listening.get(name, ())),
            **{word: counted.get(name, {}).get(word, 0) for word in ("waiting", "failing", "parked")},
            last_error=_last_error(name) if name in counted else None,
        )
        for name in names
    ]


def list_failed_deliveries(*, name: str, limit: int = 100) -> list[FailedDeliveryView]:
    """Return where a listener fails, the worst first: the instance, the event it does not hear, and why.

    :raises NotFound: when no listener is called so.
    """
    _check_known(name)
    failed = _failed(name).select_related("instance__workflow").order_by("-is_parked", "-failures", "pk")
    return [
        FailedDeliveryView(
            instance_id=each.instance.public_id,
            workflow_name=each.instance.workflow_name,
            parked=each.is_parked,
            failures=each.failures,
            next_try_at=None if each.is_parked or each.wake_at is None else each.wake_at.isoformat(),
            last_error=each.last_error,
            **asdict(_described(_first_unheard(each))),
        )
        for each in failed[:limit]
    ]


def retry_listener(*, name: str, instance: str | None = None) -> int:
    """Tell a listener again what it failed to hear, at once; return of how many instances.

    ``instance``: only of that one.

    :raises NotFound: when no listener or no instance is called so.
    """
    _check_known(name)
    failed = _failed(name, instance)
    with db.transaction():
        resumed = failed.update(**_AFRESH)
    if name in wishes():
        ring_waiting(name)
    return resumed


def skip_event(*, name: str, instance: str, by: str = "") -> UnheardView | None:
    """Give up the event of an instance that a listener fails to hear; return it, None when none fails.

    The listener never hears of it, and goes on with the next. ``by`` stands in the log.

    :raises NotFound: when no listener or no instance is called so, or the settings do not name the listener.
    """
    if name not in wishes():
        raise NotFound(kind="listener of the settings", given=name, listing=LISTING)
    with db.transaction():
        # As whoever takes a delivery does: one that is being made is not skipped under it.
        Listener.objects.select_for_update().filter(pk=name).first()
        stuck = _failed(name, instance).free().first()
        event = None if stuck is None else _first_unheard(stuck)
        if stuck is None or event is None:
            return None
        Delivery.objects.filter(pk=stuck.pk).update(delivered_event_id=event.pk, last_error="", **_AFRESH)
    logger.warning(
        "event_skipped listener=%s instance=%s event=%s by=%s", name, stuck.instance_id, event.pk, by
    )
    ring_waiting(name)
    return _described(event)


def _check_known(name: str) -> None:
    if name not in wishes() and not Listener.objects.filter(pk=name).exists():
        raise NotFound(kind="listener", given=name, listing=LISTING)


def _failed(name: str, instance: str | None = None) -> DeliveryQuerySet:
    rows: DeliveryQuerySet = Delivery.objects.filter(Q(is_parked=True) | Q(failures__gt=0), listener_id=name)
    return rows if instance is None else rows.filter(instance=find_instance(given=instance))


def _first_unheard(delivery: Delivery) -> Event | None:
    kinds = kinds_wanted(wishes().get(delivery.listener_id, ()))
    later = Event.objects.filter(
        instance_id=delivery.instance_id, id__gt=delivery.delivered_event_id, kind__in=sorted(kinds)
    )
    for event in later.select_related("task").order_by("id")[:LOOKED_THROUGH]:
        if name_of(event=event, wanted=wishes()[delivery.listener_id]) is not None:
            return event
    return None


def _described(event: Event | None) -> UnheardView:
    return UnheardView(
        event_id=event.pk if event else None,
        kind=event.kind if event else None,
        task=event.task.name if event and event.task else None,
    )


def _last_error(name: str) -> str | None:
    failed = _failed(name).order_by("-is_parked", "-failures", "pk")
    return failed.values_list("last_error", flat=True).first()
