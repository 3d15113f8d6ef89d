"""Fetch the next message the moment a slot is free.

Messages are fetched only into free slots. With a pool of threads nothing tells
Celery's event loop that a thread has finished, so it would look again at its
next timer, up to a second later. This step writes a byte to a pipe that the loop
watches. (Other pools report results through descriptors and wake it themselves.)
"""

import os
from contextlib import suppress
from typing import Any

from celery import bootsteps
from celery.concurrency.thread import TaskPool

DRAINED_BYTES = 4096


class WakeOnFreeSlot(bootsteps.StartStopStep):
    """A worker step that wakes the event loop when a thread of the pool is done."""

    requires = ("celery.worker.components:Hub", "celery.worker.components:Pool")

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._read, self._write = -1, -1

    def start(self, worker: Any) -> None:
        """Open the pipe and have the pool write to it after each task."""
        if not isinstance(worker.pool, TaskPool) or not worker.use_eventloop:
            return
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        pool: Any = worker.pool
        apply = pool.on_apply

        def apply_and_wake(*args: Any, **kwargs: Any) -> Any:
            result = apply(*args, **kwargs)
            result.f.add_done_callback(self._wake)
            return result

        pool.on_apply = apply_and_wake

    def register_with_event_loop(self, worker: Any, hub: Any) -> None:
        """Watch the pipe; called anew for each connection, since a broken one resets the loop."""
        del worker
        if self._read >= 0:
            hub.add_reader(self._read, self._drain)

    def _wake(self, _future: Any) -> None:
        with suppress(OSError):  # a full pipe wakes the loop just as well
            os.write(self._write, b".")

    def _drain(self, *_args: Any) -> None:
        with suppress(OSError):
            os.read(self._read, DRAINED_BYTES)
