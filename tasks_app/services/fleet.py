"""What the record needs to know of the fleet, without importing it.

The fleet app connects itself when Django starts. Until then there are no slots
and nothing that ``run`` could name.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from tasks_app.outcomes import JSON


class Fleet(Protocol):
    """The hands, as seen from the record."""

    def slots(self) -> int:
        """Return how many tasks the living workers can run at once."""
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

    def names(self) -> frozenset[str]:
        return frozenset()

    def check(
        self, run: str, arguments: Mapping[str, JSON], *, templated: frozenset[str]
    ) -> Sequence[tuple[str, str, str]]:
        del run, arguments, templated
        return ()


_connected: Fleet = _NoFleet()


def connect_fleet(*, fleet: Fleet) -> None:
    """Make ``fleet`` the one that planning and validation ask."""
    global _connected  # noqa: PLW0603
    _connected = fleet


def connected_fleet() -> Fleet:
    """Return the fleet in force."""
    return _connected
