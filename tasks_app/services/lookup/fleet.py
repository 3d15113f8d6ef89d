"""What the record needs to know of the fleet, without importing it.

The fleet app connects itself when Django starts. Until then there are no slots
and nothing that ``run`` could name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tasks_app.outcomes import JSON


@dataclass(frozen=True, kw_only=True)
class LiveWorker:
    """A living worker that takes tasks from the broker. ``holder``: the word its claims are held under."""

    holder: str
    slots: int
    capabilities: frozenset[str]
    projects: frozenset[int] | None = None
    """The keys of the only projects that it serves; None: any."""

    def serves(self, project: int) -> bool:
        """Return whether it may take a project's tasks."""
        return self.projects is None or project in self.projects


class Fleet(Protocol):
    """The hands, as seen from the record."""

    def slots(self) -> int:
        """Return how many tasks the living workers that take any can run at once."""
        ...

    def live_workers(self) -> Sequence[LiveWorker]:
        """Return those workers."""
        ...

    def lost(self) -> frozenset[str]:
        """Return the holders of claims that fell silent lately, without a goodbye."""
        ...

    def forget_gone(self, at_most: int) -> int:
        """Delete some of the workers that have been offline for long; return how many."""
        ...

    def names(self) -> frozenset[str]:
        """Return everything a task may name in ``run``."""
        ...

    def check(
        self, run: str, arguments: Mapping[str, JSON], *, templated: frozenset[str]
    ) -> Sequence[tuple[str, str, str]]:
        """Return what is wrong with a ``with``: field, message, hint."""
        ...


class _NoFleet:
    def slots(self) -> int:
        return 0

    def live_workers(self) -> Sequence[LiveWorker]:
        return ()

    def lost(self) -> frozenset[str]:
        return frozenset()

    def forget_gone(self, at_most: int) -> int:
        del at_most
        return 0

    def names(self) -> frozenset[str]:
        return frozenset()

    def check(
        self, run: str, arguments: Mapping[str, JSON], *, templated: frozenset[str]
    ) -> Sequence[tuple[str, str, str]]:
        del run, arguments, templated
        return ()


_connected: Fleet = _NoFleet()


def connect_fleet(fleet: Fleet) -> None:
    """Make ``fleet`` the one that planning and validation ask."""
    global _connected  # noqa: PLW0603
    _connected = fleet


def connected_fleet() -> Fleet:
    """Return the fleet in force."""
    return _connected
