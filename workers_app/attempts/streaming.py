"""One running continuous task: what it emits is buffered, and handed on under its claim."""

import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from django.db import InterfaceError, OperationalError

from cpds.base import clock, db
from cpds.base.in_doubt import settle_in_doubt
from tasks_app.errors import StaleDispatch
from tasks_app.outcomes import Completed, Failed, Interrupted, LastBatch, Outcome
from tasks_app.services.attempts.claims import Claim, StreamSettings
from tasks_app.services.attempts.streams import Order, batch_totals, open_stream, read_item, write_batch
from workers_app.attempts.buffer import Buffer
from workers_app.attempts.flusher import flusher_of_this_process
from workers_app.errors import StreamEnded
from workers_app.executors.cancellation import Cancellation

logger = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 0.1
"""How long to wait before a batch is tried again for which dependants, or the database, were not ready."""


def stream_through(
    *, claim: Claim, cancellation: Cancellation, run: Callable[["ClaimedStream"], Outcome]
) -> Outcome:
    """Perform a continuous task: open its stream, ``run`` it, hand on what is left; return how it went."""
    assert claim.stream is not None  # noqa: S101 - the caller looked
    try:
        last = settle_in_doubt(lambda: open_stream(claim), was_done=None)
    except StaleDispatch:
        return Interrupted(reason="the claim was taken back")
    stream = ClaimedStream(claim=claim, settings=claim.stream, last=last, cancellation=cancellation)
    outcome: Outcome = Failed(kind="executor_error", message="The executor raised an error.")
    flusher = flusher_of_this_process()
    flusher.watch(stream)
    try:
        outcome = run(stream)
    finally:
        outcome = stream.finish(outcome)
        flusher.forget(stream)
    return outcome


class ClaimedStream:
    """Buffers and hands on for one attempt. Any number of threads may emit."""

    def __init__(
        self, *, claim: Claim, settings: StreamSettings, last: LastBatch | None, cancellation: Cancellation
    ) -> None:
        self.key = (claim.task_id, claim.dispatch_id)
        self._claim = claim
        self._last = last
        self._number = last.number if last else 0
        self._buffer = Buffer(size=settings.buffer_size, flush_seconds=settings.flush_seconds)
        self._filling = threading.Lock()
        self._writing = threading.Lock()
        self._cancellation = cancellation
        self._told = threading.Event()
        self._ending = ""
        cancellation.on_request(self._told.set)

    @property
    def is_ending(self) -> bool:
        """Whether the task was told to end."""
        return bool(self._ending)

    @property
    def last_batch(self) -> LastBatch | None:
        """What was handed on last when this attempt began."""
        return self._last

    @property
    def due_at(self) -> float | None:
        """When the buffer is to be handed on, however little it holds."""
        with self._filling:
            return self._buffer.due_at

    def emit(self, value: Any) -> None:
        """Take one item; wait while the buffer is full and cannot be handed on.

        :raises StreamEnded: when the task was told to stop; the item was not taken.
        :raises BadItem: when it is not JSON, or too large.
        """
        item = read_item(value)
        while True:
            with self._filling:
                if self._told.is_set():
                    reason = self._ending or self._cancellation.reason
                    raise StreamEnded(task=self._claim.name, reason=reason)
                if self._buffer.has_room_for(item):
                    is_first = not self._buffer
                    self._buffer.add(item, now=clock.monotonic())
                    is_full = self._buffer.is_full
                    break
            if not self._hand_on():
                self._told.wait(PAUSE_SECONDS)
        if is_full:
            self._hand_on()
        elif is_first:
            flusher_of_this_process().wake()

    def obey(self, order: Order) -> None:
        """Do what the instance's state asks of its streams."""
        if order is Order.PAUSE:
            self._cancellation.request("the instance was paused")
        elif not self._ending:
            self._ending = "the instance starts nothing new"
            self._told.set()

    def hand_on_if_due(self, now: float) -> None:
        """Hand on what is old enough, unless dependants are too far behind: then the next look will."""
        due_at = self.due_at
        if due_at is not None and due_at <= now:
            self._hand_on()

    def finish(self, outcome: Outcome) -> Outcome:
        """Take nothing more, hand on what is left, and return how the attempt went."""
        if isinstance(outcome, Completed):
            # It may have returned by itself: then there is no hurry.
            while not self._told.is_set() and self._has_items():
                if not self._hand_on():
                    self._told.wait(PAUSE_SECONDS)
        with self._filling:
            was_told = self._told.is_set()
            self._told.set()
        while self._has_items() and self._hand_on(must_fit=False):
            continue
        if was_told:
            return Interrupted(reason=self._cancellation.reason or self._ending)
        if isinstance(outcome, Completed):
            return Completed(output=batch_totals(claim=self._claim), report=outcome.report)
        return outcome

    def _has_items(self) -> bool:
        with self._filling:
            return bool(self._buffer)

    def _hand_on(self, *, must_fit: bool = True) -> bool:
        """Hand on one batch; return False when it has to wait, or can never be."""
        with self._writing:
            with self._filling:
                items = [item.value for item in self._buffer.first()]
            if not items:
                return True
            number = self._number + 1
            try:
                written = write_batch(claim=self._claim, number=number, items=items, must_fit=must_fit)
            except StaleDispatch:
                self._cancellation.request("the claim was taken back")
                return False
            except (OperationalError, InterfaceError) as error:
                # Whether it was written, and with how many items, is read when it is tried again.
                db.drop_broken_connection()
                logger.warning("batch_postponed task=%s error=%s", self._claim.task_id, type(error).__name__)
                return False
            if written:
                self._number = number
                with self._filling:
                    self._buffer.drop(written, now=clock.monotonic())
            return bool(written)
