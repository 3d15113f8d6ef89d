"""The fleet as the record sees it."""

import threading
from collections.abc import Mapping, Sequence
from typing import Final

from cpds.base import clock
from tasks_app.outcomes import JSON
from workers_app.executors.registry import executor_names, find_executor
from workers_app.services.workers import slots_alive

REMEMBERED_SECONDS: Final = 1.0
"""The number of slots changes when workers come and go, not with every task."""


class ConnectedFleet:
    """Answers the record's questions; see ``tasks_app.services.fleet.Fleet``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots = 0
        self._asked_at = float("-inf")

    def slots(self) -> int:
        """Return how many tasks the living workers run at once; at most a second old."""
        with self._lock:
            if clock.monotonic() - self._asked_at > REMEMBERED_SECONDS:
                self._slots = slots_alive()
                self._asked_at = clock.monotonic()
            return self._slots

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
