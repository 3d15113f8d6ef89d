"""The flag that stops one attempt, for executors and for workers over HTTP alike: it needs neither."""

import threading
from collections.abc import Callable


class Cancellation:
    """A flag that stops one attempt: set once, with the reason, from any thread."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self.reason = ""

    @property
    def requested(self) -> bool:
        """Whether the attempt has been told to stop."""
        return self._event.is_set()

    def request(self, reason: str) -> None:
        """Tell the attempt to stop. The first reason stays; asking twice is harmless."""
        with self._lock:
            if self._event.is_set():
                return
            self.reason = reason
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait up to ``seconds`` for the request; return whether it came."""
        return self._event.wait(seconds)

    def on_request(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when stopping is requested, at once if it already was.

        It runs on the requester's thread: it must be short and must not raise.
        """
        with self._lock:
            if not self._event.is_set():
                self._callbacks.append(callback)
                return
        callback()
