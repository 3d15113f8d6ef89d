"""Times and spans as people read them."""

from datetime import UTC, datetime
from typing import Protocol

from tasks_app.planning.values.durations import format_duration

NOTHING = "-"


def shown_time(moment: str | datetime | None) -> str:
    """Write a time of an answer as ``2026-01-08 10:00:00``, in UTC."""
    if moment is None:
        return NOTHING
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


class Timed(Protocol):
    """An instance or a task in an answer."""

    @property
    def started_at(self) -> str | None:
        """When it began."""

    @property
    def finished_at(self) -> str | None:
        """When it ended."""

    @property
    def duration_ms(self) -> int | None:
        """How long that took."""


def shown_span(row: Timed, *, now: datetime, precise: bool = False) -> str:
    """Write how long an instance or task took, or has taken until ``now`` when it has not ended."""
    if row.duration_ms is not None:
        return format_duration(row.duration_ms / 1000, precise=precise)
    if row.started_at is None or row.finished_at is not None:
        return NOTHING
    spent = now - datetime.fromisoformat(row.started_at)
    return format_duration(spent.total_seconds(), precise=precise)
