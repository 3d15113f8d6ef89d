"""Streams: what the worker of a continuous task does under its claim."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from django.db import InterfaceError, OperationalError
from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce

from cpds.base import db
from cpds.base.conf import conf
from tasks_app.errors import BadItem
from tasks_app.models import Event, Instance, StreamBatch, Task
from tasks_app.outcomes import JSON, LastBatch
from tasks_app.planning.templates.limits import LimitExceeded, text_size
from tasks_app.planning.values.values import NotJSONError, as_json
from tasks_app.services.attempts.claims import Claim
from tasks_app.services.progress.advance import advance
from tasks_app.services.progress.batches import idle_consumers, last_batch, streams_must_end, unconsumed
from tasks_app.services.publishing.dispatch import has_backlog
from tasks_app.services.publishing.pump import pump
from tasks_app.states import InstanceState, TaskState

logger = logging.getLogger(__name__)

BATCH_CHARACTERS: Final = 1_000_000
"""The largest batch: a field of a dependant's ``with`` takes about that much."""


class Order(StrEnum):
    """What a running stream is told."""

    PAUSE = "pause"
    """Hand on what is there, and give the task back."""
    END = "end"
    """Hand on what is there, and be done: the instance is cancelled in good order, or has failed."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """Something emitted, as it can be stored, and about how many characters it has."""

    value: JSON
    size: int


def read_item(value: Any) -> Item:
    """Return what a function emitted as it can be stored.

    :raises BadItem: when it is not JSON, or too large for any batch.
    """
    try:
        plain = as_json(value, path="item")
        return Item(value=plain, size=text_size(plain, limit=BATCH_CHARACTERS))
    except (NotJSONError, LimitExceeded) as error:
        raise BadItem(found=str(error).rstrip(".")) from None


def open_stream(claim: Claim) -> LastBatch | None:
    """Let the dependants of a stream that runs now take its batches; return the newest batch there is.

    :raises StaleDispatch: when the claim is no longer held.
    """
    with db.transaction():
        if not claim.fence.held().update(satisfies=True):
            raise claim.fence.stale()
    _ring(claim, after=[claim.task_id])
    newest = last_batch(claim.task_id)
    if newest is None:
        return None
    return LastBatch(number=newest.number, item=newest.items[-1] if newest.items else None)


def write_batch(*, claim: Claim, number: int, items: Sequence[JSON], must_fit: bool = True) -> int:
    """Hand on a batch; return how many items it has: 0, having written nothing, when too many are unconsumed.

    ``number`` follows the newest batch. Doing it twice is harmless: a batch that
    this attempt has written already is not written again, and may have fewer items
    than are given now. With ``must_fit`` False it is written however many are unconsumed.

    :raises StaleDispatch: when the claim is no longer held; nothing was written.
    """
    with db.transaction():
        held = claim.fence.held()
        if not db.locking(held).exists():
            raise claim.fence.stale()
        newest = last_batch(claim.task_id)
        if newest is not None and newest.number == number and newest.attempt == claim.attempt:
            return newest.item_count
        if must_fit and unconsumed(claim.task_id) >= conf().stream_batches_ahead:
            return 0
        StreamBatch.objects.create(
            task_id=claim.task_id,
            number=number,
            items=list(items),
            item_count=len(items),
            attempt=claim.attempt,
        )
        # It got somewhere: what a stream suffers in months must not add up to a poisonous task.
        held.filter(Q(failures__gt=0) | Q(losses__gt=0)).update(failures=0, losses=0)
        Event.objects.create(
            instance_id=claim.instance_pk,
            task_id=claim.task_id,
            kind="task.batch",
            attempt=claim.attempt,
            worker=claim.worker,
            data={"batch": number, "items": len(items)},
        )
    _ring(claim)
    return len(items)


def orders_for(claims: Collection[tuple[int, str]]) -> Mapping[tuple[int, str], Order]:
    """Return what running streams are told, for those among these claims that are told anything."""
    rows = Task.objects.filter(pk__in=[task_id for task_id, _ in claims], status=TaskState.RUNNING)
    orders: dict[tuple[int, str], Order] = {}
    for task in rows.select_related("instance"):
        key = (task.pk, task.dispatch_id or "")
        order = _order_of(task.instance)
        if order is not None and key in claims:
            orders[key] = order
    return orders


def batch_totals(claim: Claim) -> dict[str, JSON]:
    """Return the output of a stream that has ended: how many batches and items it handed on."""
    batches = StreamBatch.objects.filter(task_id=claim.task_id)
    return batches.aggregate(batches=Count("pk"), items=Coalesce(Sum("item_count"), 0))


def with_present_failures(claim: Claim) -> Claim:
    """Return the claim with the failures that count now: a batch handed on clears what was before it."""
    failures = Task.objects.filter(pk=claim.task_id).values_list("failures", flat=True).first()
    return replace(claim, failures=failures or 0)


def _order_of(instance: Instance) -> Order | None:
    if streams_must_end(instance):
        return Order.END
    return Order.PAUSE if instance.status == InstanceState.PAUSED else None


def _ring(claim: Claim, after: Collection[int] = ()) -> None:
    """Have the dependants that are idle take what is there; what fails here is found by the sweep."""
    try:
        idle = idle_consumers(claim.task_id)
        if idle or after:
            advance(instance_id=claim.instance_pk, after=after, waiting=idle)
            if has_backlog():
                pump()
    except (OperationalError, InterfaceError) as error:
        db.drop_broken_connection()
        logger.warning("batch_not_announced task=%s error=%s", claim.task_id, type(error).__name__)
