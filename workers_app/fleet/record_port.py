"""The fleet as the record sees it."""

import threading
from collections.abc import Mapping, Sequence
from typing import Final

from cpds.base import clock
from tasks_app.outcomes import JSON
from tasks_app.services.lookup.fleet import LiveWorker
from workers_app.fleet.workers import forget_workers, list_live_workers, lost_holders
from workers_app.registry import executor_names, find_executor

REMEMBERED_SECONDS: Final = 1.0
"""Hands change when workers come and go, not with every task."""


class ConnectedFleet:
    """Answers the record's questions; see ``tasks_app.services.lookup.fleet.Fleet``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hands: Sequence[LiveWorker] = ()
        self._asked_at = float("-inf")

    def slots(self) -> int:
        """Return how many tasks the living workers run at once; at most a second old."""
        return sum(live_worker.slots for live_worker in self.live_workers())

    def live_workers(self) -> Sequence[LiveWorker]:
        """Return the living workers that take tasks; at most a second old."""
        with self._lock:
            if clock.monotonic() - self._asked_at > REMEMBERED_SECONDS:
                self._hands = list_live_workers()
                self._asked_at = clock.monotonic()
            return self._hands

    def lost(self) -> frozenset[str]:
        """Return the workers that fell silent lately."""
        return lost_holders()

    def forget(self) -> None:
        """Ask again at the next question: a worker has just come or gone."""
        with self._lock:
            self._asked_at = float("-inf")

    def forget_gone(self, at_most: int) -> int:
        """Delete some of the workers that have been offline for long."""
        return forget_workers(at_most)

    def names(self) -> frozenset[str]:
        """Return everything that ``run`` may name."""
        return executor_names()

    def check(
        self, run: str, arguments: Mapping[str, JSON], *, templated: frozenset[str]
    ) -> Sequence[tuple[str, str, str]]:
        """Return what is wrong with the ``with`` of a task."""
        executor = find_executor(run)
        if executor is None:
            return []
        problems = executor.check_arguments(arguments, templated=templated)
        return [(each.field, each.message, each.hint) for each in problems]


fleet: Final = ConnectedFleet()
"""This process's."""
