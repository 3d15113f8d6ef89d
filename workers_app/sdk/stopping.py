"""A flag that stops one attempt, and why."""

import threading
from collections.abc import Callable
from enum import StrEnum


class Why(StrEnum):
    """Why an attempt is to stop; it decides what the server is told."""

    CANCELLED = "cancelled"
    """The task was cancelled."""
    LOST = "lost"
    """The claim is held by nobody or by somebody else, or its lease could not be renewed."""
    TIMEOUT = "timeout"
    SHUTDOWN = "shutdown"
    """The worker stops; the task is handed back."""


class Stopping:
    """Set once, with the reason, from any thread. Executors' commands take it as their cancellation."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self.why: Why | None = None
        self.reason = ""

    @property
    def requested(self) -> bool:
        """Whether the attempt has been told to stop."""
        return self._event.is_set()

    def request(self, why: Why) -> None:
        """Tell the attempt to stop. The first reason stays."""
        with self._lock:
            if self._event.is_set():
                return
            self.why, self.reason = why, why.value
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait up to ``seconds`` for the request; return whether it came."""
        return self._event.wait(seconds)

    def on_request(self, callback: Callable[[], None]) -> None:
        """Call ``callback``, which is short and raises nothing, when asked to stop; at once if it was."""
        with self._lock:
            if not self._event.is_set():
                self._callbacks.append(callback)
                return
        callback()
