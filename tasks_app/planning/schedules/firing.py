"""Which time of a schedule to fire now, and which to give up. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tasks_app.planning.schedules.cron import Cron
from tasks_app.states import Catchup

_JUST_BEFORE = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Firing:
    """What a schedule that is due does next.

    ``fire_at``: the time to fire, if any. ``missed_at``: the first of the times
    that are given up, if any. ``next_fire_at``: what is to be fired after that; it
    may have come already.
    """

    fire_at: datetime | None
    missed_at: datetime | None
    next_fire_at: datetime


def next_firing(
    *,
    cron: Cron,
    timezone: str,
    catchup: Catchup,
    since: datetime,
    now: datetime,
    grace_seconds: float,
    may_make_up: bool = True,
) -> Firing:
    """Return what to fire of the times from ``since`` to ``now``.

    ``none`` fires the last of them, if it is no older than ``grace_seconds``;
    ``latest`` fires the last of them; ``all`` fires the first of them, so that
    asking again and again fires each, oldest first. Without ``may_make_up`` all
    of them are given up.
    """
    zone, before = ZoneInfo(timezone), since - _JUST_BEFORE
    first = cron.next_after(before, zone)
    if first > now:
        return Firing(fire_at=None, missed_at=None, next_fire_at=first)
    then = cron.next_after(now, zone)
    if not may_make_up:
        return Firing(fire_at=None, missed_at=first, next_fire_at=then)
    if catchup is Catchup.ALL:
        return Firing(fire_at=first, missed_at=None, next_fire_at=cron.next_after(first, zone))
    last = cron.latest_between(before, now, timezone=zone) or first
    if catchup is Catchup.NONE and last < now - timedelta(seconds=grace_seconds):
        return Firing(fire_at=None, missed_at=first, next_fire_at=then)
    return Firing(fire_at=last, missed_at=first if first < last else None, next_fire_at=then)
