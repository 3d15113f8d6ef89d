"""One asyncio loop in the background, for executors whose work is asynchronous.

Each process has at most one loop, on one daemon thread, started by the first
call. A forked child begins with none and makes its own.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final, TypeVar

from workers_app.executors.cancellation import Cancellation

UNWIND_SECONDS: Final = 5.0
"""How long stopped work may take to close what it opened before it is left behind."""

T = TypeVar("T")


class StoppedByRequest(Exception):
    """The work was stopped because its cancellation was requested."""


class StoppedByTimeout(Exception):
    """The work was stopped because its time was up."""


class _Background:
    """The loop of one process and the thread it runs on."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.thread: threading.Thread | None = None

    def running_loop(self) -> asyncio.AbstractEventLoop:
        with self.lock:
            if self.loop is None:
                self.loop = asyncio.new_event_loop()
                self.thread = threading.Thread(
                    target=self.loop.run_forever, name="executor-loop", daemon=True
                )
                self.thread.start()
            return self.loop

    def stop(self) -> None:
        with self.lock:
            loop, thread = self.loop, self.thread
            self.loop = self.thread = None
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(loop.stop)
        thread.join(UNWIND_SECONDS)
        if not thread.is_alive():
            loop.close()


_background = _Background()


def _forget_after_fork() -> None:
    # The child has the parent's loop object but not its thread, and perhaps its lock while it was held.
    global _background  # noqa: PLW0603 - the one loop of this process
    _background = _Background()


os.register_at_fork(after_in_child=_forget_after_fork)


def run(coroutine: Coroutine[Any, Any, T], cancellation: Cancellation, timeout: float | None = None) -> T:
    """Run ``coroutine`` on the background loop and return its result; call it from any other thread.

    Whatever ends it, the coroutine has finished unwinding when this returns,
    unless that takes longer than ``UNWIND_SECONDS``. ``timeout`` is in seconds.

    :raises StoppedByRequest: when ``cancellation`` was requested first.
    :raises StoppedByTimeout: when ``timeout`` ran out first.
    """
    loop = _background.running_loop()
    future: Future[T] = asyncio.run_coroutine_threadsafe(_guarded(coroutine, cancellation, timeout), loop)
    return future.result()


def close_all(closers: Sequence[Callable[[], Coroutine[Any, Any, None]]]) -> None:
    """Await every closer on the loop, each for a few seconds at most; one that fails is left behind."""
    for closer in closers:
        with suppress(Exception):
            run(closer(), Cancellation(), UNWIND_SECONDS)


def stop() -> None:
    """Stop the loop and its thread. The next ``run`` starts another."""
    _background.stop()


async def _guarded(
    coroutine: Coroutine[Any, Any, T], cancellation: Cancellation, timeout_seconds: float | None
) -> T:
    loop = asyncio.get_running_loop()
    stop_requested = asyncio.Event()

    def request_stop() -> None:
        with suppress(RuntimeError):  # the loop may be closed by the time somebody asks
            loop.call_soon_threadsafe(stop_requested.set)

    cancellation.on_request(request_stop)
    work = loop.create_task(coroutine)
    watch = loop.create_task(stop_requested.wait())
    await asyncio.wait({work, watch}, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
    watch.cancel()
    if not work.done():
        work.cancel()
        await asyncio.wait({work}, timeout=UNWIND_SECONDS)
    if work.done() and not work.cancelled():
        return work.result()
    if cancellation.requested:
        raise StoppedByRequest
    raise StoppedByTimeout
