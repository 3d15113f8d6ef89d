"""News of what was written to the ledger, for whoever wants to hear of it.

The models tell; a service that listens is connected when Django starts. Nothing
here knows who that is, and without anybody it costs a comparison.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

Written: TypeAlias = Iterable[tuple[int, str]]
"""Key of the instance and kind, for each event."""

_tell: Callable[[Written], None] | None = None


def connect_notifier(tell: Callable[[Written], None]) -> None:
    """Have ``tell`` called, inside the writer's transaction, with the events just written."""
    global _tell  # noqa: PLW0603
    _tell = tell


def events_written(written: Written) -> None:
    """Pass on that events were written. ``written`` is read only if somebody is connected."""
    if _tell is not None:
        _tell(written)
