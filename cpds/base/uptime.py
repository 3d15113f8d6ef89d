"""How long this process has been there."""

from typing import Final

from cpds.base import clock

_STARTED_AT: Final = clock.monotonic()


def uptime_seconds() -> float:
    """Return for how many seconds."""
    return clock.monotonic() - _STARTED_AT


def uptime_text() -> str:
    """Return the same for people: ``1h15m``, ``2m30s``, ``4.2s``."""
    seconds = uptime_seconds()
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m"
    return f"{minutes}m{rest}s" if minutes else f"{seconds:.1f}s"
