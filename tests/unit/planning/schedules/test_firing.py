"""Which time is fired, which is given up, and what comes next."""

from datetime import UTC, datetime, timedelta

import pytest

from tasks_app.planning.schedules.cron import parse_cron
from tasks_app.planning.schedules.firing import Firing, next_firing
from tasks_app.states import Catchup

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def decide(catchup, *, since, now, **more):
    facts = {"cron": parse_cron("0 * * * *"), "timezone": "UTC", "grace_seconds": 60, **more}
    return next_firing(catchup=catchup, since=since, now=now, **facts)


@pytest.mark.parametrize("catchup", Catchup)
def test_a_time_that_has_just_come_is_fired(catchup):
    firing = decide(catchup, since=NOON, now=NOON + timedelta(seconds=2))

    assert firing == Firing(fire_at=NOON, missed_at=None, next_fire_at=NOON + HOUR)


@pytest.mark.parametrize("catchup", Catchup)
def test_the_very_moment_counts(catchup):
    assert decide(catchup, since=NOON, now=NOON).fire_at == NOON


@pytest.mark.parametrize("catchup", Catchup)
def test_before_its_time_nothing_is_fired(catchup):
    firing = decide(catchup, since=NOON, now=NOON - timedelta(microseconds=1))

    assert firing == Firing(fire_at=None, missed_at=None, next_fire_at=NOON)


def test_latest_makes_up_for_the_last_one():
    firing = decide(Catchup.LATEST, since=NOON, now=NOON + timedelta(hours=3, minutes=30))

    assert firing == Firing(fire_at=NOON + 3 * HOUR, missed_at=NOON, next_fire_at=NOON + 4 * HOUR)


def test_none_makes_up_for_nothing():
    firing = decide(Catchup.NONE, since=NOON, now=NOON + timedelta(hours=3, minutes=30))

    assert firing == Firing(fire_at=None, missed_at=NOON, next_fire_at=NOON + 4 * HOUR)


@pytest.mark.parametrize(("late", "fires"), [(60, True), (61, False)])
def test_none_fires_what_is_no_later_than_the_grace(late, fires):
    firing = decide(Catchup.NONE, since=NOON, now=NOON + timedelta(seconds=late))

    assert (firing.fire_at == NOON) is fires
    assert (firing.missed_at == NOON) is not fires


def test_all_makes_up_for_each_oldest_first():
    now, since, fired = NOON + timedelta(hours=3, minutes=30), NOON, []
    while since <= now:
        firing = decide(Catchup.ALL, since=since, now=now)
        assert firing.missed_at is None
        fired.append(firing.fire_at)
        since = firing.next_fire_at

    assert fired == [NOON, NOON + HOUR, NOON + 2 * HOUR, NOON + 3 * HOUR]


def test_what_may_not_be_made_up_for_is_given_up():
    firing = decide(Catchup.ALL, since=NOON, now=NOON + timedelta(hours=3), may_make_up=False)

    assert firing == Firing(fire_at=None, missed_at=NOON, next_fire_at=NOON + 4 * HOUR)


def test_a_year_of_missed_minutes_is_no_work():
    cron = parse_cron("* * * * *")

    firing = decide(Catchup.LATEST, cron=cron, since=NOON, now=NOON + timedelta(days=365, seconds=5))

    assert firing.fire_at == NOON + timedelta(days=365)


def test_the_time_zone_is_the_schedule_s():
    # 02:30 does not exist in Berlin on the last Sunday of March: it is fired at the end of the gap.
    cron, night = parse_cron("30 2 * * *"), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)

    firing = decide(Catchup.LATEST, cron=cron, timezone="Europe/Berlin", since=night, now=night)

    assert firing.fire_at == night
    assert firing.next_fire_at == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)
