"""The flusher: one thread in each process that hands on what streams have held long enough.

It also tells them what their instances ask of them: to end, or to be given back.
"""

import logging
import os
import threading
from collections.abc import Collection
from typing import Final, Protocol

from django.db import Error as DatabaseError
from django.db import close_old_connections, connections

from cpds.base import clock
from tasks_app.services.attempts.streams import Order, orders_for

logger = logging.getLogger(__name__)

ORDER_SECONDS: Final = 0.5
"""How often streams are told what is asked of them."""
LEAST_SECONDS: Final = 0.05
"""The shortest pause: a stream whose dependants are behind stays due until they have caught up."""


class Watched(Protocol):
    """A stream, as the flusher sees it."""

    key: tuple[int, str]

    @property
    def due_at(self) -> float | None:
        """When it is to hand on what it holds."""
        ...

    def hand_on_if_due(self, now: float) -> None:
        """Hand on what is old enough."""
        ...

    def obey(self, order: Order) -> None:
        """Do what the instance asks."""
        ...


class Flusher:
    """Watches the streams of one process."""

    def __init__(self) -> None:
        self._streams: dict[tuple[int, str], Watched] = {}
        self._changed = threading.Condition()
        self._is_woken = False
        threading.Thread(target=self._run, name="flusher", daemon=True).start()

    def watch(self, stream: Watched) -> None:
        """Look after a stream from now on."""
        with self._changed:
            self._streams[stream.key] = stream
        self.wake()

    def forget(self, stream: Watched) -> None:
        """Look after it no more."""
        with self._changed:
            self._streams.pop(stream.key, None)

    def wake(self) -> None:
        """Look again when to do what: a buffer is not empty any more."""
        with self._changed:
            self._is_woken = True
            self._changed.notify()

    def _run(self) -> None:
        told_at = float("-inf")
        while True:
            streams = self._wait(until=told_at + ORDER_SECONDS)
            now = clock.monotonic()
            try:
                close_old_connections()
                if now - told_at >= ORDER_SECONDS:
                    told_at = now
                    self._tell(streams)
                for stream in streams:
                    stream.hand_on_if_due(now=clock.monotonic())
            except DatabaseError as error:
                logger.warning("flusher_without_database error=%s", type(error).__name__)
                connections.close_all()
            except Exception:
                logger.exception("flusher_failed")

    def _tell(self, streams: Collection[Watched]) -> None:
        orders = orders_for([stream.key for stream in streams])
        for stream in streams:
            if stream.key in orders:
                stream.obey(orders[stream.key])

    def _wait(self, until: float) -> list[Watched]:
        """Wait for something to do; return the streams there are."""
        with self._changed:
            if not self._streams:
                connections.close_all()
            while not self._streams:
                self._changed.wait()
            due = [until, *(at for stream in self._streams.values() if (at := stream.due_at) is not None)]
            if not self._is_woken:
                self._changed.wait(max(LEAST_SECONDS, min(due) - clock.monotonic()))
            self._is_woken = False
            return list(self._streams.values())


_flushers: dict[int, Flusher] = {}
_flushers_lock = threading.Lock()


def flusher_of_this_process() -> Flusher:
    """Return this process's flusher, started on first use; a forked child gets one of its own."""
    with _flushers_lock:
        flusher = _flushers.get(os.getpid())
        if flusher is None:
            flusher = _flushers[os.getpid()] = Flusher()
        return flusher
