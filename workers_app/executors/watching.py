"""The patience of one call: every wait ends at its deadline and at its cancellation."""

import select
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from workers_app.executors.cancellation import Cancellation
from workers_app.executors.waking import Wakeup

_T = TypeVar("_T")


class DeadlinePassedError(Exception):
    """The call has used up its time. Answer ``Failed(kind="timeout")``."""


class CallCancelledError(Exception):
    """The call was told to stop. Answer ``Interrupted``."""


class Watch:
    """Waits for descriptors and for functions, no longer than ``seconds`` in all."""

    def __init__(self, cancellation: Cancellation, *, seconds: float) -> None:
        self._cancellation = cancellation
        self._deadline = time.monotonic() + seconds
        self._wakeup = Wakeup()
        cancellation.on_request(self._wakeup.wake)

    def check(self) -> None:
        """Go on, or not.

        :raises CallCancelledError: when the call was told to stop.
        :raises DeadlinePassedError: when its time is used up.
        """
        if self._cancellation.requested:
            raise CallCancelledError
        if time.monotonic() >= self._deadline:
            raise DeadlinePassedError

    def wait(self, fd: int, event: int, *, at_most: float | None = None) -> bool:
        """Wait until ``fd`` is ready; return False when it is not after ``at_most`` seconds."""
        poll = select.poll()
        poll.register(fd, event)
        poll.register(self._wakeup.fileno(), select.POLLIN)
        seconds = self._deadline - time.monotonic()
        if at_most is not None:
            seconds = min(seconds, at_most)
        ready = [one for one, _ in poll.poll(max(0.0, seconds) * 1000)]
        self.check()
        return fd in ready

    def call(self, function: Callable[[], _T]) -> _T:
        """Return what ``function`` returns, without waiting for it past the end of the watch.

        It runs on a thread of its own, which is left behind when time is up:
        for calls that end by themselves but cannot be interrupted.
        """
        results: list[_T] = []
        errors: list[Exception] = []
        done = Wakeup()

        def run() -> None:
            try:
                results.append(function())
            except Exception as error:
                errors.append(error)
            finally:
                done.wake()

        with done:
            threading.Thread(target=run, daemon=True, name="watched-call").start()
            while not self.wait(done.fileno(), select.POLLIN):
                continue
        if errors:
            raise errors[0]
        return results[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wakeup.close()
