"""When cron expressions fire: against brute force, and where clocks jump."""

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks_app.planning.schedules.cron import parse_cron

BERLIN = "Europe/Berlin"
NEW_YORK = "America/New_York"
SHANGHAI = "Asia/Shanghai"
LORD_HOWE = "Australia/Lord_Howe"


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fires(cron, after, until, timezone="UTC"):
    return [
        moment.astimezone(ZoneInfo(timezone)).strftime("%m-%d %H:%M:%S%z")
        for moment in parse_cron(cron).between(utc(after), utc(until), timezone=timezone, limit=1000)
    ]


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        ("0 2 * * *", "2026-01-01T00:00", "2026-01-01T02:00"),
        ("0 2 * * *", "2026-01-01T02:00", "2026-01-02T02:00"),
        ("0 0 2 * * *", "2026-01-01T02:00:01", "2026-01-02T02:00"),
        ("30 5 2 * * *", "2026-01-01T02:05:29", "2026-01-01T02:05:30"),
        ("*/15 * * * *", "2026-01-01T23:46", "2026-01-02T00:00"),
        ("10/20 * * * *", "2026-01-01T00:11", "2026-01-01T00:30"),
        ("0 9-17/4 * * *", "2026-01-01T10:00", "2026-01-01T13:00"),
        ("0 0 1,15 * *", "2026-01-02T00:00", "2026-01-15T00:00"),
        ("0 0 31 * *", "2026-02-01T00:00", "2026-03-31T00:00"),
        ("0 0 29 2 *", "2026-01-01T00:00", "2028-02-29T00:00"),
        ("0 0 29 2 *", "2096-03-01T00:00", "2104-02-29T00:00"),
        ("0 0 * JAN,mar *", "2026-01-31T00:00", "2026-03-01T00:00"),
        ("0 0 * * MON", "2026-11-21T00:00", "2026-11-23T00:00"),
        ("0 0 * * 7", "2026-11-21T00:00", "2026-11-22T00:00"),
        ("0 0 * * 5-7", "2026-11-21T00:00", "2026-11-22T00:00"),
        ("0 0 * * 1/2", "2026-11-21T00:00", "2026-11-23T00:00"),
        ("0 1-1/5 * * *", "2026-11-21T01:00", "2026-11-22T01:00"),
        ("0 0 ? * mon-fri", "2026-11-20T00:00", "2026-11-23T00:00"),
        ("0 0 13 * FRI", "2026-11-07T00:00", "2026-11-13T00:00"),
        ("0 0 13 * FRI", "2026-11-13T00:00", "2026-11-20T00:00"),
        ("0 0 */2 * MON", "2026-11-21T00:00", "2026-11-23T00:00"),
        ("0 0 31 2 MON", "2026-01-01T00:00", "2026-02-02T00:00"),
        ("@yearly", "2026-01-01T00:00", "2027-01-01T00:00"),
        ("@annually", "2026-06-01T00:00", "2027-01-01T00:00"),
        ("@monthly", "2026-01-01T00:00", "2026-02-01T00:00"),
        ("@weekly", "2026-11-21T00:00", "2026-11-22T00:00"),
        ("@daily", "2026-01-01T00:00", "2026-01-02T00:00"),
        ("@Midnight", "2026-01-01T00:00", "2026-01-02T00:00"),
        ("@hourly", "2026-01-01T00:59:59.999999", "2026-01-01T01:00"),
    ],
)
def test_the_next_time_it_fires(cron, after, expected):
    assert parse_cron(cron).next_after(utc(after)) == utc(expected)


@pytest.mark.parametrize(
    ("cron", "found"),
    [
        ("", "expected five fields"),
        ("* * * *", "expected five fields"),
        ("0 0 0 1 1 * 2026", "expected five fields"),
        ("60 * * * *", "'minute': expected 0 to 59"),
        ("-1 * * * *", "'minute'"),
        ("* 24 * * *", "'hour': expected 0 to 23"),
        ("* * 0 * *", "'day of month': expected 1 to 31"),
        ("* * 32 * *", "'day of month'"),
        ("* * L * *", "'day of month'"),
        ("* * LW * *", "'day of month'"),
        ("* * * * 5L", "'day of week'"),
        ("* * * * MON#2", "'day of week'"),
        ("* * * 13 *", "'month': expected 1 to 12 or JAN to DEC"),
        ("* * * MAI *", "'month'"),
        ("* * * * 8", "'day of week': expected 0 to 7 or SUN to SAT"),
        ("* * * * MONDAY", "'day of week'"),
        ("99 * * * * *", "'second'"),
        ("*/0 * * * *", "'minute': expected a step of 1 to 59"),
        ("*/60 * * * *", "'minute': expected a step"),
        ("*/ * * * *", "'minute': expected a step"),
        ("1/2/3 * * * *", "'minute': expected a step"),
        ("30-10 * * * *", "'minute': 30-10 runs backwards"),
        ("1, * * * *", "'minute'"),
        ("1- * * * *", "'minute'"),
        ("**/2 * * * *", "'minute'"),
        ("٣ * * * *", "'minute'"),
        ("0 0 31 2 *", "no such month has a day 31"),
        ("0 0 31 4,6,9,11 *", "no such month has a day 31"),
        ("0 0 30 FEB *", "no such month has a day 30"),
        ("* * * * * *", "may not fire every second"),
        ("0-59 * * * * *", "may not fire every second"),
        ("@reboot", "expected one of @yearly"),
        ("@every 5m", "expected one of @yearly"),
        ("* " * 5_000, "at most 200 characters"),
    ],
)
def test_what_cannot_be_a_schedule_is_refused_with_its_field(cron, found):
    with pytest.raises(ValueError) as refusal:
        parse_cron(cron)

    assert found in str(refusal.value)


def test_spaces_do_not_matter():
    assert parse_cron("  0   2 * *\t* ") == parse_cron("0 2 * * *")
    assert parse_cron(" @daily ").text == "@daily"


class TestClocksThatGoForward:
    def test_a_fire_in_the_gap_runs_once_just_after_it(self):
        assert fires("30 2 * * *", "2026-03-28T12:00", "2026-03-30T12:00", BERLIN) == [
            "03-29 03:00:00+0200",
            "03-30 02:30:00+0200",
        ]

    def test_so_does_one_with_seconds(self):
        assert fires("15 30 2 * * *", "2026-03-28T12:00", "2026-03-30T12:00", BERLIN) == [
            "03-29 03:00:00+0200",
            "03-30 02:30:15+0200",
        ]

    def test_many_fires_in_one_gap_are_one(self):
        assert fires("0/20 2-3 * * *", "2026-03-29T00:00", "2026-03-29T12:00", BERLIN) == [
            "03-29 03:00:00+0200",
            "03-29 03:20:00+0200",
            "03-29 03:40:00+0200",
        ]

    def test_what_fires_all_the_time_leaves_out_what_the_clock_does_not_show(self):
        assert fires("*/20 2-3 * * *", "2026-03-29T00:00", "2026-03-29T01:30", BERLIN) == [
            "03-29 03:00:00+0200",
            "03-29 03:20:00+0200",
        ]

    def test_an_hourly_schedule_misses_nothing(self):
        assert fires("@hourly", "2026-03-07T23:00", "2026-03-08T09:00", NEW_YORK)[6:9] == [
            "03-08 01:00:00-0500",
            "03-08 03:00:00-0400",
            "03-08 04:00:00-0400",
        ]

    def test_a_gap_of_half_an_hour_ends_at_half_past(self):
        assert fires("15 2 * * *", "2026-10-03T00:00", "2026-10-05T00:00", LORD_HOWE) == [
            "10-04 02:30:00+1100",
            "10-05 02:15:00+1100",
        ]

    def test_what_is_outside_a_gap_of_half_an_hour_is_on_time(self):
        assert fires("45 2 * * *", "2026-10-03T12:00", "2026-10-04T12:00", LORD_HOWE) == [
            "10-04 02:45:00+1100"
        ]

    def test_a_day_that_a_country_left_out_fires_when_the_next_begins(self):
        assert fires("0 12 * * *", "2011-12-29T12:00", "2011-12-31T12:00", "Pacific/Apia") == [
            "12-29 12:00:00-1000",
            "12-31 00:00:00+1400",
            "12-31 12:00:00+1400",
        ]


class TestClocksThatGoBack:
    def test_a_fire_in_the_overlap_runs_once_the_first_time(self):
        assert fires("30 2 * * *", "2026-10-24T12:00", "2026-10-26T12:00", BERLIN) == [
            "10-25 02:30:00+0200",
            "10-26 02:30:00+0100",
        ]

    def test_so_does_one_with_seconds(self):
        assert fires("15 30 2 * * *", "2026-10-24T12:00", "2026-10-26T12:00", BERLIN) == [
            "10-25 02:30:15+0200",
            "10-26 02:30:15+0100",
        ]

    def test_it_is_not_fired_again_from_within_the_second_pass(self):
        assert fires("30 1 * * *", "2026-11-01T06:10", "2026-11-01T12:00", NEW_YORK) == []

    def test_an_hourly_schedule_fires_in_both_passes(self):
        assert fires("@hourly", "2026-11-01T04:30", "2026-11-01T07:30", NEW_YORK) == [
            "11-01 01:00:00-0400",
            "11-01 01:00:00-0500",
            "11-01 02:00:00-0500",
        ]

    def test_what_fires_all_the_time_goes_on_from_within_the_second_pass(self):
        assert fires("*/30 1-2 * * *", "2026-11-01T06:10", "2026-11-01T12:00", NEW_YORK) == [
            "11-01 01:30:00-0500",
            "11-01 02:00:00-0500",
            "11-01 02:30:00-0500",
        ]

    def test_in_an_overlap_of_half_an_hour_every_hour_is_there(self):
        assert fires("0 */2 * * *", "2026-04-04T12:30", "2026-04-04T18:00", LORD_HOWE) == [
            "04-05 00:00:00+1100",
            "04-05 02:00:00+1030",
            "04-05 04:00:00+1030",
        ]

    def test_an_overlap_of_half_an_hour(self):
        assert fires("45 1 * * *", "2026-04-04T00:00", "2026-04-05T12:00", LORD_HOWE) == [
            "04-05 01:45:00+1100"
        ]


def test_a_zone_without_jumps_fires_at_the_same_time_every_day():
    assert fires("0 0 2 * * *", "2026-03-28T00:00", "2026-03-31T00:00", SHANGHAI) == [
        "03-29 02:00:00+0800",
        "03-30 02:00:00+0800",
        "03-31 02:00:00+0800",
    ]


def test_between_gives_the_first_of_the_fires_with_its_end():
    cron = parse_cron("@hourly")

    found = cron.between(utc("2026-01-01T00:00"), utc("2026-01-01T05:00"), limit=10)

    assert found == [utc(f"2026-01-01T0{hour}:00") for hour in range(1, 6)]
    assert cron.between(utc("2026-01-01T00:00"), utc("2026-01-01T05:00"), limit=2) == found[:2]
    assert cron.between(utc("2026-01-01T05:00"), utc("2026-01-01T05:00"), limit=2) == []


def test_the_latest_fire_is_found_across_years():
    cron = parse_cron("0 0 29 2 *")

    assert cron.latest_between(utc("2000-01-01T00:00"), utc("2026-01-01T00:00")) == utc("2024-02-29T00:00")
    assert cron.latest_between(utc("2024-03-01T00:00"), utc("2026-01-01T00:00")) is None


def part(least, most):
    number = st.integers(least, most)
    span = st.tuples(number, number).map(lambda ends: f"{min(ends)}-{max(ends)}")
    step = st.integers(1, most - least)
    return (
        st.just("*")
        | number.map(str)
        | span
        | st.tuples(st.just("*") | span | number.map(str), step).map(lambda both: f"{both[0]}/{both[1]}")
    )


def cron_field(least, most):
    return st.lists(part(least, most), min_size=1, max_size=2).map(",".join)


CRONS = st.tuples(
    st.sampled_from(["0", "30", "*/20"]),
    cron_field(0, 59),
    cron_field(0, 23),
    cron_field(1, 31),
    cron_field(1, 12),
    cron_field(0, 6),
).map(" ".join)


@cache
def allowed(text, least, most):
    values = set()
    for each in text.split(","):
        span, _, step = each.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            first, last = least, most
        elif step and not last:
            last = most
        values |= set(range(int(first), int(last or first) + 1, int(step or 1)))
    return values


def names(text, wall):
    second, minute, hour, day, month, weekday = text.split()
    in_month = wall.day in allowed(day, 1, 31)
    in_week = wall.isoweekday() % 7 in allowed(weekday, 0, 6)
    either = not day.startswith("*") and not weekday.startswith("*")
    return (
        wall.second in allowed(second, 0, 59)
        and wall.minute in allowed(minute, 0, 59)
        and wall.hour in allowed(hour, 0, 23)
        and wall.month in allowed(month, 1, 12)
        and ((in_month or in_week) if either else (in_month and in_week))
    )


@settings(deadline=None)
@given(CRONS, st.integers(0, 2 * 366 * 86_400))
def test_it_names_the_time_and_nothing_before_it(text, seconds):
    try:
        cron = parse_cron(text)
    except ValueError:
        return  # a drawn date is impossible
    moment = utc("2025-01-01T00:00") + timedelta(seconds=seconds)

    found = cron.next_after(moment)

    assert found > moment
    assert names(text, found)
    minute = moment.replace(second=0, microsecond=0)
    for ahead, second in product(range(400), (0, 20, 30, 40)):
        earlier = minute + timedelta(minutes=ahead, seconds=second)
        assert not (moment < earlier < found and names(text, earlier))


JUMPS = [
    (BERLIN, "2026-03-29T01:00"),
    (BERLIN, "2026-10-25T01:00"),
    (NEW_YORK, "2026-03-08T07:00"),
    (NEW_YORK, "2026-11-01T06:00"),
    (LORD_HOWE, "2026-10-03T15:30"),
    (LORD_HOWE, "2026-04-04T15:00"),
    (SHANGHAI, "2026-05-01T00:00"),
]


def minutes_around(start, until):
    return [
        start.replace(second=0) + timedelta(minutes=number)
        for number in range(-200, int((until - start).total_seconds() // 60) + 200)
    ]


def named_times(text, zone, start, until):
    """Ask of every wall time in order when the clock first shows it, or first passes it."""
    clock = {}
    for instant in minutes_around(start, until):
        clock.setdefault(instant.astimezone(zone).replace(tzinfo=None), instant)
    shown = sorted(clock)
    fires = set()
    wall = shown[0]
    while wall <= shown[-1]:
        if names(text, wall):
            fires.add(clock[shown[bisect_left(shown, wall)]])
        wall += timedelta(minutes=1)
    return sorted(instant for instant in fires if start < instant <= until)


def real_times(text, zone, start, until):
    """Ask of every minute that passes whether the clock shows one that fits."""
    return [
        instant
        for instant in minutes_around(start, until)
        if start < instant <= until and names(text, instant.astimezone(zone))
    ]


@pytest.mark.parametrize(("zone", "jump"), JUMPS)
@settings(deadline=None)
@given(
    minute=cron_field(0, 59),
    hour=st.sampled_from(["*", "0-3", "1", "2", "3", "1,2", "*/2", "*/3,2"]),
    before=st.integers(0, 200),
)
def test_where_clocks_jump_named_times_fire_once_and_others_in_real_time(zone, jump, minute, hour, before):
    text = f"0 {minute} {hour} * * *"
    start = utc(jump) - timedelta(minutes=before)
    until = utc(jump) + timedelta(minutes=150)
    expected = real_times if "*" in {minute[0], hour[0]} else named_times

    found = parse_cron(text).between(start, until, timezone=zone, limit=1000)

    assert found == expected(text, ZoneInfo(zone), start, until)
