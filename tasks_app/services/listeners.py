"""Listeners for operators: how far each is, and going on with what was parked."""

from typing import Any

from django.db.models import Count, Q

from cpds.base import db
from tasks_app.errors import NotFound
from tasks_app.models import Delivery, Listener
from tasks_app.services.audience import wishes
from tasks_app.services.undelivered import ring_waiting


def list_listeners() -> list[dict[str, Any]]:
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
        {
            "name": name,
            "configured": name in listening,
            "events": sorted(listening.get(name, ())),
            **{word: counted.get(name, {}).get(word, 0) for word in ("waiting", "failing", "parked")},
            "last_error": _last_error(name) if name in counted else None,
        }
        for name in names
    ]


def retry_listener(*, name: str) -> int:
    """Tell a listener again what it failed to hear, at once; return of how many instances.

    :raises NotFound: when no listener is called so.
    """
    if name not in wishes() and not Listener.objects.filter(pk=name).exists():
        raise NotFound(kind="listener", given=name, listing="manage.py listener list")
    failed = Delivery.objects.filter(Q(is_parked=True) | Q(failures__gt=0), listener_id=name)
    with db.transaction():
        resumed = failed.update(is_parked=False, failures=0, wake_at=None, rung_at=None)
    if name in wishes():
        ring_waiting(listener=name)
    return resumed


def _last_error(name: str) -> str | None:
    failed = Delivery.objects.filter(Q(is_parked=True) | Q(failures__gt=0), listener_id=name)
    return failed.order_by("-is_parked", "-failures", "pk").values_list("last_error", flat=True).first()
