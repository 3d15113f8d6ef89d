"""Who listens, as seen from the record: names and what each wants to hear. The fleet connects itself."""

from collections.abc import Mapping
from typing import Protocol

from tasks_app.planning.values.event_names import ALL_NAMES, kinds_wanted


class Subscriptions(Protocol):
    """The listeners that the settings name."""

    def wishes(self) -> Mapping[str, frozenset[str]]:
        """Return the event names each listener wants, by the listener's name.

        The same object as long as the settings are the same.
        """
        ...


class _Nobody:
    def wishes(self) -> Mapping[str, frozenset[str]]:
        return _NO_WISHES


_NO_WISHES: Mapping[str, frozenset[str]] = {}
_connected: Subscriptions = _Nobody()
_by_kind: tuple[Mapping[str, frozenset[str]], Mapping[str, tuple[str, ...]]] = (_NO_WISHES, {})


def connect_subscriptions(subscriptions: Subscriptions) -> None:
    """Make ``subscriptions`` the one that is asked who listens."""
    global _connected  # noqa: PLW0603
    _connected = subscriptions


def wishes() -> Mapping[str, frozenset[str]]:
    """Return the event names each listener wants."""
    return _connected.wishes()


def listeners_by_kind() -> Mapping[str, tuple[str, ...]]:
    """Return who wants events of each kind of the ledger. Cheap: worked out once for each settings."""
    global _by_kind  # noqa: PLW0603
    wanted = _connected.wishes()
    known, by_kind = _by_kind
    if known is not wanted:
        found: dict[str, tuple[str, ...]] = {}
        for listener, names in wanted.items():
            for kind in kinds_wanted(names):
                found[kind] = (*found.get(kind, ()), listener)
        _by_kind = (wanted, found)
        return found
    return by_kind


def known_names() -> frozenset[str]:
    """Return every event name that a listener may ask for."""
    return ALL_NAMES
