"""Spans of time as people write and read them."""

import math
import re
from typing import Any

LONGEST_SECONDS = 366 * 86_400.0
"""A span beyond a leap year is taken for a mistake."""

DURATION_PATTERN = (
    r"^(?=[0-9])(?:[0-9]+(?:\.[0-9]+)?d)?(?:[0-9]+(?:\.[0-9]+)?h)?(?:[0-9]+(?:\.[0-9]+)?m)?"
    r"(?:[0-9]+(?:\.[0-9]+)?s)?(?:[0-9]+(?:\.[0-9]+)?ms)?$"
)
"""The texts ``parse_duration`` reads, as a JSON Schema pattern."""

_TEXT = re.compile(DURATION_PATTERN.removesuffix("$") + r"\Z")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|d|h|m|s)")
_UNIT_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_LONGEST_TEXT = 60
_BEYOND = 10**15
_EXPECTED = "expected seconds, or a text such as 30s, 5m, 1h30m or 2d"


def parse_duration(value: Any, *, allow_zero: bool = False) -> float:
    """Return a span in seconds from a number of seconds or a text such as ``1h30m``.

    Units are d, h, m, s and ms, each at most once and the largest first.

    :raises ValueError: if it is anything else, negative, zero (unless
        ``allow_zero``), not finite, or longer than 366 days.
    """
    seconds = _seconds(value)
    if seconds < 0 or math.isnan(seconds) or (seconds == 0 and not allow_zero):
        least = "zero or more" if allow_zero else "more than zero"
        raise ValueError(f"a duration must be {least}, found {_found(value)}")
    if seconds > LONGEST_SECONDS:
        raise ValueError(f"a duration may be at most 366 days, found {_found(value)}")
    return seconds


def format_duration(seconds: float, *, precise: bool = False) -> str:
    """Write a span as ``0m45s``, ``1m15s`` or ``1h05m00s``; part seconds are dropped.

    With ``precise``, what is shorter than a minute is written ``12s`` or ``0.5s``.
    Less than nothing, which two clocks can make of a short span, counts as nothing.
    """
    seconds = max(seconds, 0.0)
    tenths = round(seconds, 1)
    if precise and tenths < 60:
        return f"{tenths:.0f}s" if tenths == int(tenths) else f"{tenths:.1f}s"
    minutes, rest = divmod(int(tenths if precise else seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m{rest:02d}s" if hours else f"{minutes}m{rest:02d}s"


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{_EXPECTED}; found {_found(value)}")  # noqa: TRY004 - pydantic collects ValueErrors
    if isinstance(value, int):
        return float(min(max(value, -_BEYOND), _BEYOND))
    if isinstance(value, float):
        return value
    if len(value) > _LONGEST_TEXT or not _TEXT.match(value):
        raise ValueError(f"{_EXPECTED}; found {_found(value)}")
    return math.fsum(float(number) * _UNIT_SECONDS[unit] for number, unit in _PART.findall(value))


def _found(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "nothing"
    text = repr(value) if not isinstance(value, int) or abs(value) <= _BEYOND else "a very long number"
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
