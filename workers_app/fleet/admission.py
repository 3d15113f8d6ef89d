"""Whether this process may start another task, and when it has done enough."""

import threading
from dataclasses import dataclass
from typing import Final

from cpds.base import clock


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When a worker leaves by itself; None: never."""

    max_tasks: int | None = None
    idle_seconds: float | None = None


class Admission:
    """Counts what a process starts, and says when it must not start more. Safe in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limits = Limits()
        self._started = 0
        self._running = 0
        self._completed = 0
        self._busy_at = clock.monotonic()
        self._reasons: set[str] = set()
        self.able: frozenset[str] = frozenset()
        """The requirement sets that this worker meets."""
        self.has_slots = True
        """Whether it is there for tasks at all, and not for listeners alone."""
        self.serves: frozenset[int] | None = None
        """The keys of the only projects whose tasks it takes; None: of any."""

    def limit(self, limits: Limits) -> None:
        """Set when the worker leaves by itself; the time without work counts from now."""
        with self._lock:
            self._limits = limits
            self._busy_at = clock.monotonic()

    def admit(self) -> bool:
        """Return whether one more task may be started, and count it. ``unadmit`` or ``finish`` follows."""
        with self._lock:
            most = self._limits.max_tasks
            if self._reasons or (most is not None and self._started >= most):
                return False
            self._started += 1
            self._running += 1
            return True

    def unadmit(self) -> None:
        """Uncount a task that was not to be had."""
        with self._lock:
            self._started -= 1
            self._running -= 1

    def finish(self, *, has_completed: bool) -> None:
        """Note that a task which was taken is over here."""
        with self._lock:
            self._running -= 1
            self._completed += has_completed
            self._busy_at = clock.monotonic()

    def drain(self, reason: str) -> None:
        """Start nothing more, for this reason. Safe in a signal handler."""
        self._reasons.add(reason)

    def undrain(self, reason: str) -> None:
        """Take this reason back."""
        self._reasons.discard(reason)

    @property
    def takes_tasks(self) -> bool:
        """Whether anything may be started."""
        with self._lock:
            most = self._limits.max_tasks
            return not self._reasons and (most is None or self._started < most)

    @property
    def is_over(self) -> bool:
        """Whether the worker has nothing more to do: its tasks are done, or none came for long enough."""
        with self._lock:
            limits = self._limits
            if self._running:
                return False
            if limits.max_tasks is not None and self._started >= limits.max_tasks:
                return True
            idle = clock.monotonic() - self._busy_at
            return limits.idle_seconds is not None and idle >= limits.idle_seconds

    def completed_since(self) -> int:
        """Return how many tasks completed since this was last asked."""
        with self._lock:
            number, self._completed = self._completed, 0
            return number


admission: Final = Admission()
"""This process's."""
