"""When a cron expression fires, in any time zone. Pure.

An expression has five fields (minute, hour, day of month, month, day of week) or
six, with seconds first. When both the day of month and the day of week are
restricted, a day that fits either is enough, as cron has always had it; a field
that begins with ``*`` restricts nothing in that sense.

Clocks that jump: every time an expression names on the wall's clock fires once.
One in the gap when clocks go forward fires just after the gap, and all of the
same gap together once. One that the clock shows twice when clocks go back fires
the first time. An expression that fires every few minutes is therefore silent
while the hour repeats; in UTC it never is.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from tasks_app.planning.engine.cron_fields import FIELDS, CronField
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
_SECOND: Final = timedelta(seconds=1)


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
        zone = ZoneInfo(timezone) if isinstance(timezone, str) else timezone
        # Wall times up to this one have fired: in order, none fires before an earlier one.
        wall = moment.astimezone(zone).replace(tzinfo=None, microsecond=0)
        while True:
            wall = self._next_wall_time(wall + _SECOND)
            instant = _instant(wall, zone)
            if instant > moment:
                return instant

    def between(
        self, after: datetime, until: datetime, *, timezone: ZoneInfo | str = "UTC", limit: int
    ) -> list[datetime]:
        """Return the times it fires after ``after`` and not after ``until``: the first ``limit`` of them."""
        return list(islice(self._fires(after, until, timezone), limit))

    def latest_between(
        self, after: datetime, until: datetime, *, timezone: ZoneInfo | str = "UTC"
    ) -> datetime | None:
        """Return the last time it fires after ``after`` and not after ``until``, if any.

        Looks back from ``until``, so that a long time between costs nothing.
        """
        start, span = until, timedelta(minutes=1)
        while start > after:
            start = max(after, until - span)
            latest = None
            for latest in self._fires(start, until, timezone):  # noqa: B007 - the last one counts
                pass
            if latest is not None:
                return latest
            span *= 2
        return None

    def _fires(self, after: datetime, until: datetime, timezone: ZoneInfo | str) -> Iterator[datetime]:
        zone = ZoneInfo(timezone) if isinstance(timezone, str) else timezone
        moment = self.next_after(after, zone)
        while moment <= until:
            yield moment
            moment = self.next_after(moment, zone)

    def _next_wall_time(self, start: datetime) -> datetime:
        day = self._next_day(start.date())
        if day == start.date():
            within = self._next_time(start.time())
            if within is not None:
                return datetime.combine(day, within)
            day = self._next_day(day + timedelta(days=1))
        return datetime.combine(day, time(self.hour.values[0], self.minute.values[0], self.second.values[0]))

    def _next_day(self, day: date) -> date:
        while True:
            if day.month not in self.month.values:
                day = _first_of_next_month(day)
            elif self._has_day(day):
                return day
            else:
                day += timedelta(days=1)

    def _has_day(self, day: date) -> bool:
        in_month = day.day in self.day.values
        in_week = day.isoweekday() % 7 in self.weekday.values
        if self.day.is_restricted and self.weekday.is_restricted:
            return in_month or in_week
        return in_month and in_week

    def _next_time(self, start: time) -> time | None:
        """Return the first time of day from ``start`` on that fits."""
        hours, minutes, seconds = self.hour.values, self.minute.values, self.second.values
        for hour in hours[bisect_left(hours, start.hour) :]:
            if hour > start.hour:
                return time(hour, minutes[0], seconds[0])
            for minute in minutes[bisect_left(minutes, start.minute) :]:
                if minute > start.minute:
                    return time(hour, minute, seconds[0])
                place = bisect_left(seconds, start.second)
                if place < len(seconds):
                    return time(hour, minute, seconds[place])
        return None


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
    sunday_first = CronField(
        values=tuple(sorted({value % 7 for value in weekday.values})), is_restricted=weekday.is_restricted
    )
    cron = Cron(written, second, minute, hour, day, month, sunday_first)
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


def _first_of_next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return when the clock on the wall shows ``wall`` first; in a gap, the end of the gap."""
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant
    # The gap's end is the moment the offset changes, somewhere in between.
    before, after = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), instant
    offset = after.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + timedelta(seconds=(after - before) // _SECOND // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after
