"""The one place that reads a clock.

Times that decide who may act (leases, wake-ups, the order of events) are the
database's: every node then agrees, whatever its own clock says. The process
clock is for display and for measuring spans inside one process.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import DateTimeField, DurationField, ExpressionWrapper, Value
from django.db.models.functions import Now


def database_now() -> Now:
    """Return the database's present, as an expression for filters and updates."""
    return Now()


def database_now_plus(seconds: float) -> "ExpressionWrapper[Any]":
    """Return the database's present moved by ``seconds`` (negative: the past)."""
    span = Value(timedelta(seconds=seconds), output_field=DurationField())
    return ExpressionWrapper(Now() + span, output_field=DateTimeField())


def now() -> datetime:
    """Return this process's wall clock, in UTC. Only entry points call this."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds from an arbitrary start that never run backwards."""
    return time.monotonic()
