"""The commands this process runs, and the hold it has on each."""

import os
import threading
import time
from types import TracebackType
from typing import Final, Self

from workers_app.executors.waking import Wakeup

_running: Final[set["Leash"]] = set()
_changed: Final = threading.Condition()


class Leash:
    """The hold on one guardian: a pipe whose end tells it to end the command.

    ``control`` is the guardian's end. ``wakeup`` tells the thread that runs the
    command. ``timed_out`` and ``reason`` say why the leash was let go.
    """

    def __init__(self) -> None:
        self.control, self._hold = os.pipe()
        self.wakeup = Wakeup()
        self.thread = threading.get_ident()
        self.released = False
        self.timed_out = False
        self.reason = ""
        # Reentrant, since a signal handler may end what its own thread runs.
        self._lock = threading.RLock()

    def let_go(self, reason: str = "", *, timed_out: bool = False) -> None:
        """End the command, from any thread. The first reason stays."""
        with self._lock:
            if self.released:
                return
            self.released, self.reason, self.timed_out = True, reason, timed_out
            self._close_hold()
        self.wakeup.wake()

    def forget(self) -> None:
        """Close a forked child's copy, which would otherwise keep the pipe open when the worker dies."""
        self._close_hold()

    def _close_hold(self) -> None:
        hold, self._hold = self._hold, -1
        if hold >= 0:
            os.close(hold)

    def __enter__(self) -> Self:
        with _changed:
            _running.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go("the worker was interrupted")
        self.wakeup.close()
        os.close(self.control)
        with _changed:
            _running.discard(self)
            _changed.notify_all()


def end_all(reason: str = "shutdown", *, patience_seconds: float = 5.0) -> bool:
    """End every command this process runs; return whether all had ended in time.

    Each is then answered as interrupted for ``reason``. Called from the thread
    that runs a command, that one is told to end but not waited for.
    """
    with _changed:
        leashes = list(_running)
    for leash in leashes:
        leash.let_go(reason)
    others = {leash for leash in leashes if leash.thread != threading.get_ident()}
    until = time.monotonic() + patience_seconds
    with _changed:
        while others & _running:
            left = until - time.monotonic()
            if left <= 0:
                return False
            _changed.wait(left)
    return True


def _forget_all() -> None:
    for leash in _running:
        leash.forget()
    _running.clear()


os.register_at_fork(after_in_child=_forget_all)
