"""Tell one listener what happened in one instance."""

import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import InterfaceError, OperationalError, close_old_connections, connections

from cpds.base import db
from cpds.base.conf import conf
from cpds.base.in_doubt import settle_in_doubt
from cpds.base.redaction import redact_text
from tasks_app.errors import StaleDelivery
from tasks_app.services.listeners.deliveries import (
    BATCH,
    ClaimedDelivery,
    Happening,
    ensure_listener,
    finish_delivery,
    has_more_to_tell,
    note_delivered,
    note_failure,
    postpone_delivery,
    read_what_to_tell,
    renew_delivery,
    take_delivery,
)
from tasks_app.services.listeners.outbox_notify import ring
from tasks_app.services.listeners.outbox_sweep import ring_waiting
from workers_app.errors import DeliveryFailed
from workers_app.listeners.contract import Heard, secrets_of
from workers_app.listeners.registry import Registered, registry

logger = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS: Final = 1.0
"""After the ledger could not be said to be complete: a transaction is being written for long."""
NAMESPACE: Final = uuid.UUID("5b1f0f4e-6c0e-5a55-9d0e-6f1c5f0b9f3a")


def deliver_events(*, listener: str, instance_id: int) -> int:
    """Deliver what a listener has to hear of an instance, in order; return how many events.

    Nothing, when another worker is at it, or the listener waits after a failure.
    After ``BATCH`` events the rest is rung for, so that nobody else waits long.
    """
    registered = registry().listeners.get(listener)
    if registered is None:
        # An older or newer process of the fleet knows it; the sweep of one that does rings again.
        logger.warning("unknown_listener listener=%s", listener)
        return 0
    delivered = 0
    try:
        # A thread keeps its connection; one that broke while it was idle is found here.
        settle_in_doubt(lambda: ensure_listener(listener), was_done=None)
        while (taken := take_delivery(listener=listener, instance_id=instance_id)) is not None:
            with _keeping(taken):
                count, goes_on = _deliver(registered, taken)
            delivered += count
            # A bell that rang while the lease was held was turned away, so look again after giving it back.
            if not goes_on or not has_more_to_tell(
                listener=listener, instance_id=instance_id, wanted=registered.events
            ):
                break
            if delivered >= BATCH:
                ring([(listener, instance_id)])
                break
        ring_waiting(listener)
    except StaleDelivery as stale:
        logger.warning("delivery_taken_over %s", stale)
    except (OperationalError, InterfaceError) as error:
        # The lease runs out, and the sweep has it told again from the last event that was noted.
        logger.warning("delivery_without_database listener=%s error=%s", listener, type(error).__name__)
        db.drop_broken_connection()
    return delivered


def heard(*, listener: str, happening: Happening) -> Heard:
    """Return what a listener hears; its delivery id depends on nothing but the listener and the event."""
    key = f"{listener}/{happening.instance}/{happening.event_id}"
    return Heard(
        delivery_id=str(uuid.uuid5(NAMESPACE, key)),
        event=happening.name,
        kind=happening.kind,
        event_id=happening.event_id,
        happened_at=happening.happened_at,
        status=happening.status,
        instance_id=happening.instance,
        workflow_id=happening.workflow_id,
        workflow=happening.workflow,
        task_id=happening.task_id,
        task=happening.task,
        attempt=happening.attempt,
        worker=happening.worker,
        message=happening.message,
        data=happening.data,
    )


def _deliver(registered: Registered, taken: ClaimedDelivery) -> tuple[int, bool]:
    """Tell what there is; return how many events were heard, and whether it may go on at once."""
    to_tell = read_what_to_tell(taken=taken, wanted=registered.events)
    if to_tell.complete_to is None:
        postpone_delivery(taken=taken, seconds=LOOK_AGAIN_SECONDS)
        return 0, False
    for count, happening in enumerate(to_tell.happenings):
        try:
            registered.listener.deliver(heard(listener=registered.name, happening=happening))
        except Exception as error:
            _note_failure(registered, taken, happening, error)
            return count, False
        note_delivered(taken=taken, event_id=happening.event_id)
    finish_delivery(taken=taken, complete_to=to_tell.complete_to)
    return len(to_tell.happenings), True


def _note_failure(
    registered: Registered, taken: ClaimedDelivery, happening: Happening, error: Exception
) -> None:
    known = secrets_of(registered.listener)
    told = str(error) if isinstance(error, DeliveryFailed) else f"{type(error).__name__}: {error}"
    is_parked = note_failure(
        taken=taken,
        event_id=happening.event_id,
        error=told,
        known=known,
        asked_seconds=error.facts.get("retry_after_seconds") if isinstance(error, DeliveryFailed) else None,
    )
    # What the error says is in the row, redacted; a trace might show what a listener keeps in its variables.
    logger.warning(
        "delivery_failed listener=%s instance=%s event=%s parked=%s error=%s",
        registered.name,
        happening.instance,
        happening.event_id,
        is_parked,
        redact_text(type(error).__name__, known=known),
    )


@contextmanager
def _keeping(taken: ClaimedDelivery) -> Iterator[None]:
    """Renew the lease while the block runs, however long a listener takes."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(conf().listener_lease_seconds / 3):
            try:
                close_old_connections()
                if not renew_delivery(taken):
                    return
            except Exception as error:
                logger.warning("lease_not_renewed listener=%s error=%s", taken.listener, type(error).__name__)
            finally:
                connections.close_all()

    thread = threading.Thread(target=renew, name="delivery-lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(1)
