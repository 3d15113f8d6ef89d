"""Chores that are done less often than the sweep comes by."""

from cpds.base import clock


class Throttle:
    """Lets one caller of this process pass every so often; for what does no harm if others do it, too."""

    def __init__(self, every_seconds: float) -> None:
        self._every_seconds = every_seconds
        self._next_at = float("-inf")

    def ready(self) -> bool:
        """Return whether it is time; then the next time is a whole span away."""
        now = clock.monotonic()
        if now < self._next_at:
            return False
        self._next_at = now + self._every_seconds
        return True

    def forget(self) -> None:
        """Let the next caller pass."""
        self._next_at = float("-inf")
