"""Deliveries: take one, read what there is to tell, note how it went.

Whoever tells a listener of an instance holds that delivery's lease; every write
shows it. So no two tell one listener of one instance at once, and one that was
given up for dead changes nothing when it comes back.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError
from django.db.models import F, Max, Value
from django.db.models.functions import Greatest

from cpds.base import clock, db
from cpds.base.conf import conf
from cpds.base.redaction import redact, redact_text
from tasks_app.errors import StaleDelivery
from tasks_app.models import Delivery, Event, Instance, Listener
from tasks_app.models.delivery import DeliveryQuerySet
from tasks_app.outcomes import JSON
from tasks_app.planning.values.event_names import (
    RUNNING_AGAIN_OR_FIRST,
    backoff_seconds,
    kinds_wanted,
    name_heard,
    names_of,
)
from tasks_app.services.lookup.watermark import settled_event

BATCH = 100
ERROR_CHARACTERS = 1000
HEARD_BEFORE_SECONDS = 60
"""A listener that is new hears what happened in the minute before it was first seen, too: whoever started
an instance right after naming it in the settings loses nothing."""


@dataclass(frozen=True, kw_only=True)
class ClaimedDelivery:
    """A delivery that this worker may make, until its lease runs out unrenewed."""

    delivery_id: int
    lease_id: str
    listener: str
    instance_id: int
    after: int
    failures: int


@dataclass(frozen=True, kw_only=True)
class Happening:
    """One event as it is handed to the fleet; what looks like a secret in its texts is hidden."""

    event_id: int
    name: str
    kind: str
    happened_at: datetime
    instance: str
    status: str
    workflow_id: str
    workflow: str
    task_id: int | None
    task: str | None
    attempt: int | None
    worker: str | None
    message: str
    data: Mapping[str, JSON]


@dataclass(frozen=True, kw_only=True)
class ToTell:
    """What there is to tell.

    Nothing that is wanted lies between the last of it and event ``complete_to``.
    None: the ledger may still change in that place; look again soon.
    """

    happenings: Sequence[Happening]
    complete_to: int | None


def ensure_listener(name: str) -> Listener:
    """Return a listener's row; it is made the first time the listener is seen."""
    found = Listener.objects.filter(pk=name).first()
    if found is not None:
        return found
    start = _newest_before(HEARD_BEFORE_SECONDS)
    return Listener.objects.get_or_create(pk=name, defaults={"looked_to": start, "starts_after": start})[0]


def take_delivery(*, listener: str, instance_id: int) -> ClaimedDelivery | None:
    """Take the lease; None when somebody else has it, the listener waits, or enough run already."""
    ensure_listener(listener)
    try:
        with db.transaction():
            # The lock makes the count below exact, and is held for some statements only.
            row = Listener.objects.select_for_update().get(pk=listener)
            if not Instance.objects.filter(pk=instance_id).exists():
                return None
            return _take(row, instance_id)
    except IntegrityError:  # the instance was deleted meanwhile
        return None


def renew_delivery(taken: ClaimedDelivery) -> bool:
    """Extend the lease; return whether it was still held."""
    return bool(_held(taken).update(lease_expires_at=_lease_end()))


def read_what_to_tell(*, taken: ClaimedDelivery, wanted: Collection[str]) -> ToTell:
    """Return what a listener that wants these names has to hear, in order; at most ``BATCH`` events."""
    complete_to = settled_event(taken.instance_id)
    if complete_to is None:
        return ToTell(happenings=[], complete_to=None)
    rows = list(
        Event.objects.filter(
            instance_id=taken.instance_id,
            id__gt=taken.after,
            id__lte=complete_to,
            kind__in=sorted(kinds_wanted(wanted)),
        )
        .select_related("task", "instance__workflow")
        .order_by("id")[:BATCH]
    )
    if len(rows) == BATCH:
        complete_to = rows[-1].pk
    happenings = [each for each in (_happening(row, wanted) for row in rows) if each is not None]
    return ToTell(happenings=happenings, complete_to=complete_to)


def note_delivered(*, taken: ClaimedDelivery, event_id: int) -> None:
    """Move the cursor on to an event that was delivered.

    :raises StaleDelivery: when the lease is no longer held.
    """
    _write(
        taken,
        delivered_event_id=event_id,
        failures=0,
        last_error="",
        wake_at=None,
        lease_expires_at=_lease_end(),
    )


def note_failure(
    *,
    taken: ClaimedDelivery,
    event_id: int,
    error: str,
    known: Collection[str] = (),
    asked_seconds: float | None = None,
) -> bool:
    """Give the delivery back until its next try or until an operator resumes it; return whether it is parked.

    :raises StaleDelivery: when the lease is no longer held.
    """
    settings = conf()
    failures = Delivery.objects.values_list("failures", flat=True).get(pk=taken.delivery_id) + 1
    wait = backoff_seconds(
        failures=failures,
        first=settings.listener_backoff_seconds,
        longest=settings.listener_backoff_max_seconds,
        asked=asked_seconds,
    )
    is_parked = failures >= settings.listener_attempts
    _give_back(
        taken,
        failures=failures,
        is_parked=is_parked,
        wake_at=clock.database_now_plus(wait),
        last_error=redact_text(error.replace("\0", ""), known=known)[:ERROR_CHARACTERS],
        due_event_id=Greatest(F("due_event_id"), Value(event_id)),
    )
    return is_parked


def finish_delivery(*, taken: ClaimedDelivery, complete_to: int) -> None:
    """Give the delivery back with everything told up to ``complete_to``.

    :raises StaleDelivery: when the lease is no longer held.
    """
    _give_back(taken, delivered_event_id=Greatest(F("delivered_event_id"), Value(complete_to)), wake_at=None)


def postpone_delivery(*, taken: ClaimedDelivery, seconds: float) -> None:
    """Give the delivery back; the sweep rings for it after ``seconds``.

    :raises StaleDelivery: when the lease is no longer held.
    """
    newest = _newest_of(taken.instance_id)
    _give_back(
        taken,
        wake_at=clock.database_now_plus(seconds),
        due_event_id=Greatest(F("due_event_id"), Value(newest)),
    )


def has_more_to_tell(*, listener: str, instance_id: int, wanted: Collection[str]) -> bool:
    """Return whether wanted events came after the cursor, whose bell may have been turned away."""
    after = Delivery.objects.filter(listener_id=listener, instance_id=instance_id)
    return Event.objects.filter(
        instance_id=instance_id,
        id__gt=after.values("delivered_event_id")[:1],
        kind__in=sorted(kinds_wanted(wanted)),
    ).exists()


def name_of(*, event: Event, wanted: Collection[str]) -> str | None:
    """Return the name under which who wants these names hears of an event; None: not at all."""
    ran_before = (
        event.kind == RUNNING_AGAIN_OR_FIRST
        and Event.objects.filter(instance=event.instance, kind=event.kind, id__lt=event.pk)
        .order_by("id")
        .exists()
    )
    return name_heard(names_of(event.kind, event.data, ran_before=ran_before), wanted)


def _take(row: Listener, instance_id: int) -> ClaimedDelivery | None:
    delivery, _ = Delivery.objects.get_or_create(
        listener=row, instance_id=instance_id, defaults={"delivered_event_id": row.starts_after}
    )
    this = Delivery.objects.filter(pk=delivery.pk)
    if not this.takeable().exists():
        return None
    if Delivery.objects.filter(listener=row).leased().count() >= conf().listener_parallel:
        # Whoever is done next rings for it.
        this.update(due_event_id=Greatest(F("due_event_id"), Value(_newest_of(instance_id))), rung_at=None)
        return None
    lease_id = secrets.token_hex(16)
    if not this.takeable().update(lease_id=lease_id, lease_expires_at=_lease_end(), rung_at=None):
        return None
    # Read under the lease: whoever had it before may have moved the cursor until just now.
    after, failures = this.values_list("delivered_event_id", "failures").get()
    return ClaimedDelivery(
        delivery_id=delivery.pk,
        lease_id=lease_id,
        listener=row.name,
        instance_id=instance_id,
        after=after,
        failures=failures,
    )


def _happening(row: Event, wanted: Collection[str]) -> Happening | None:
    if row.instance is None:
        return None
    name = name_of(event=row, wanted=wanted)
    if name is None:
        return None
    return Happening(
        event_id=row.pk,
        name=name,
        kind=row.kind,
        happened_at=row.happened_at,
        instance=row.instance.public_id,
        status=row.kind.partition(".")[2],
        workflow_id=row.instance.workflow.public_id if row.instance.workflow is not None else "",
        workflow=row.instance.workflow_name,
        task_id=row.task_id,
        task=row.task.name if row.task else None,
        attempt=row.attempt,
        worker=row.worker or None,
        message=redact_text(row.message),
        data=redact(row.data),
    )


def _newest_of(instance_id: int) -> int:
    newest: int | None = Event.objects.filter(instance_id=instance_id).aggregate(newest=Max("id"))["newest"]
    return newest or 0


def _newest_before(seconds: float) -> int:
    earlier = Event.objects.filter(happened_at__lt=clock.database_now_plus(-seconds))
    return earlier.order_by("-id").values_list("pk", flat=True).first() or 0


def _lease_end() -> object:
    return clock.database_now_plus(conf().listener_lease_seconds)


def _held(taken: ClaimedDelivery) -> DeliveryQuerySet:
    return Delivery.objects.held(delivery_id=taken.delivery_id, lease_id=taken.lease_id)


def _give_back(taken: ClaimedDelivery, **changes: object) -> None:
    _write(taken, lease_id="", lease_expires_at=None, rung_at=None, **changes)


def _write(taken: ClaimedDelivery, **changes: object) -> None:
    if not _held(taken).update(**changes):
        raise StaleDelivery(listener=taken.listener, instance_id=taken.instance_id)
