"""When a cron expression fires, in any time zone. Pure.

An expression has five fields (minute, hour, day of month, month, day of week) or
six, with seconds first. When both the day of month and the day of week are
restricted, a day that fits either is enough, as cron has always had it; a field
that begins with ``*`` restricts nothing in that sense.

Where clocks jump, this follows Debian's cron. An expression whose minute and hour
do not begin with ``*`` names times of day, and each fires once: one in the gap
when clocks go forward just after the gap (all of the same gap together once), one
that the clock shows twice the first time. Any other runs in real time: it fires
whenever the clock shows a time that fits, so in an hour that comes twice it fires
twice, and in a gap not at all.

The library walks a clock without jumps. It knows Debian's rules too, but not for
six fields, and in a zone that moves by half an hour it can leave out a time.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim

from tasks_app.planning.schedules.cron_fields import FIELDS, CronField
from tasks_app.planning.source.problems import described

LONGEST_CRON: Final = 200
"""Characters of an expression."""

ALIASES: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_LONGEST_MONTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MINUTE: Final = timedelta(minutes=1)
_NOTHING: Final = timedelta()


@dataclass(frozen=True)
class Cron:
    """A cron expression that was read; ``text`` is it as written, with single spaces."""

    text: str
    second: CronField = field(repr=False)
    minute: CronField = field(repr=False)
    hour: CronField = field(repr=False)
    day: CronField = field(repr=False)
    month: CronField = field(repr=False)
    weekday: CronField = field(repr=False)

    def next_after(self, moment: datetime, timezone: ZoneInfo | str = "UTC") -> datetime:
        """Return the first time after ``moment`` (aware) that it fires, in UTC."""
        return next(self._fires(moment, timezone))

    def between(
        self, after: datetime, until: datetime, *, timezone: ZoneInfo | str = "UTC", limit: int
    ) -> list[datetime]:
        """Return the times it fires after ``after`` and not after ``until``: the first ``limit`` of them."""
        fires = takewhile(lambda moment: moment <= until, self._fires(after, timezone))
        return list(islice(fires, limit))

    def latest_between(
        self, after: datetime, until: datetime, *, timezone: ZoneInfo | str = "UTC"
    ) -> datetime | None:
        """Return the last time it fires after ``after`` and not after ``until``, if any.

        Looks back from ``until``, so that a long time between costs nothing.
        """
        start, span = until, _MINUTE
        while start > after:
            start = max(after, until - span)
            found = deque(takewhile(lambda moment: moment <= until, self._fires(start, timezone)), maxlen=1)
            if found:
                return found[0]
            span *= 2
        return None

    def _fires(self, after: datetime, timezone: ZoneInfo | str) -> Iterator[datetime]:
        """Yield the times after ``after``, in order, in UTC."""
        zone = ZoneInfo(timezone) if isinstance(timezone, str) else timezone
        latest, again = after, deque[datetime]()
        for wall in self._wall_times(after.astimezone(zone)):
            first, second = _instants(wall, zone)
            while again and again[0] <= first:
                yield (latest := again.popleft())
            if first > second:
                if not self._names_times:
                    continue
                first = _end_of_gap(wall, zone)
            elif second > max(first, latest) and not self._names_times:
                again.append(second)
            if first > latest:
                yield (latest := first)

    @property
    def _names_times(self) -> bool:
        return self.minute.is_restricted and self.hour.is_restricted

    def _wall_times(self, after: datetime) -> Iterator[datetime]:
        """Yield the times that fit, as a clock without jumps shows them, from ``after`` or sooner on."""
        first, second = (after.replace(fold=fold).utcoffset() or _NOTHING for fold in (0, 1))
        # While the clock shows everything twice, what it shows first the second time round is still to come.
        start = after.replace(tzinfo=None) - max(first - second, _NOTHING)
        fields = (self.second, self.minute, self.hour, self.day, self.month, self.weekday)
        return CronSim(" ".join(map(str, fields)), start)


def parse_cron(text: str) -> Cron:
    """Return the expression that a text of five or six fields, or a word such as ``@daily``, stands for.

    :raises ValueError: naming the field, when it cannot be read, never fires, or fires every second.
    """
    if len(text) > LONGEST_CRON:
        raise ValueError(f"a cron expression has at most {LONGEST_CRON} characters, found {len(text):,}")
    written = " ".join(text.split())
    parts = _expanded(written).split()
    if len(parts) not in {5, 6}:
        expected = "expected five fields (minute hour day month weekday), or six with seconds first"
        raise ValueError(f"{expected}, found {described(text)}")
    six = parts if len(parts) == 6 else ["0", *parts]
    second, minute, hour, day, month, weekday = (
        kind.read(part) for kind, part in zip(FIELDS, six, strict=True)
    )
    cron = Cron(written, second, minute, hour, day, month, weekday)
    _require_sense(cron)
    return cron


def _expanded(written: str) -> str:
    if not written.startswith("@"):
        return written
    if written.lower() not in ALIASES:
        raise ValueError(f"expected one of {', '.join(ALIASES)}, found {described(written)}")
    return ALIASES[written.lower()]


def _require_sense(cron: Cron) -> None:
    if len(cron.second.values) == 60:
        raise ValueError("cron field 'second': a schedule may not fire every second; write 0 there")
    # A weekday beside the day of month is another way to fire, unless one of them begins with *.
    if cron.weekday.is_restricted and cron.day.is_restricted:
        return
    if all(cron.day.values[0] > _LONGEST_MONTHS[number - 1] for number in cron.month.values):
        raise ValueError(f"cron field 'day of month': no such month has a day {cron.day.values[0]}")


def _instants(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when the clock shows ``wall``, and when again; in a gap the second is before the first."""
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return first, second


def _end_of_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    first, second = _instants(wall, zone)
    while first > second:
        wall = wall.replace(second=0) + _MINUTE
        first, second = _instants(wall, zone)
    return first
