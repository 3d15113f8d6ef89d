"""Times to come, as people write them. Pure."""

from datetime import UTC, datetime, timedelta

from tasks_app.planning.values.durations import parse_duration


def parse_later(text: str, *, now: datetime) -> datetime:
    """Return a time to come, from one in ISO 8601 (without a zone: UTC) or a span from now such as ``2h``.

    :raises ValueError: when it is neither, or over.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        try:
            return now + timedelta(seconds=parse_duration(text))
        except ValueError:
            expected = "expected 2026-01-31T18:00, or a span such as 2h"
            raise ValueError(f"{text!r} is no time: {expected}") from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if at <= now:
        raise ValueError(f"{text!r} is over; it is {now:%Y-%m-%d %H:%M:%S} UTC")
    return at
