"""A fleet of as many slots as a test wants, without a worker."""

from collections.abc import Mapping, Sequence

from tasks_app.outcomes import JSON
from tasks_app.services.lookup.fleet import Fleet, LiveWorker


class StaffedFleet:
    """The connected fleet with ``free`` slots instead of those of living workers."""

    def __init__(self, connected: Fleet, *, free: int) -> None:
        self._connected = connected
        self.free = free
        self.others: list[LiveWorker] = []
        self.gone: frozenset[str] = frozenset()

    def slots(self) -> int:
        """Return the slots the test gave it."""
        return self.free

    def live_workers(self) -> Sequence[LiveWorker]:
        """Return a worker with all its slots, and those the test added."""
        return [LiveWorker(holder="worker@test", slots=self.free, capabilities=frozenset()), *self.others]

    def lost(self) -> frozenset[str]:
        """Return the workers that the test says fell silent."""
        return self.gone

    def forget_gone(self, at_most: int) -> int:
        """Return what the connected fleet answers."""
        return self._connected.forget_gone(at_most=at_most)

    def names(self) -> frozenset[str]:
        """Return what the connected fleet answers."""
        return self._connected.names()

    def check(
        self, run: str, arguments: Mapping[str, JSON], *, templated: frozenset[str]
    ) -> Sequence[tuple[str, str, str]]:
        """Return what the connected fleet answers."""
        return self._connected.check(run, arguments, templated=templated)
