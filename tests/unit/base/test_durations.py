import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpds.base.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (60, 60.0),
        (1.5, 1.5),
        ("30s", 30.0),
        ("5m", 300.0),
        ("1h", 3600.0),
        ("1h30m", 5400.0),
        ("250ms", 0.25),
        ("2d", 172_800.0),
        ("1.5h", 5400.0),
        ("1m250ms", 60.25),
        ("366d", 31_622_400.0),
    ],
)
def test_it_reads_a_span(written, seconds):
    assert parse_duration(written) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "written",
    [
        True,
        False,
        -1,
        0,
        "0s",
        math.nan,
        math.inf,
        -math.inf,
        1e308,
        10**400,
        -(10**400),
        "367d",
        "60",
        "",
        "s",
        "10s; rm",
        "5 m",
        "5M",
        "30m1h",
        "1h1h",
        "-5s",
        "٣s",
        "5s\n",
        None,
        [],
        {},
        "9" * 1000 + "s",
    ],
)
def test_it_refuses_what_is_no_span(written):
    with pytest.raises(ValueError, match="found"):
        parse_duration(written)


def test_zero_is_allowed_where_asked_for():
    assert parse_duration("0s", allow_zero=True) == 0


def test_the_refusal_says_what_was_found_and_what_is_expected():
    with pytest.raises(ValueError, match=r"expected seconds, or a text such as 30s.*found '10s; rm'"):
        parse_duration("10s; rm")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0m00s"),
        (45, "0m45s"),
        (75, "1m15s"),
        (150.9, "2m30s"),
        (3900, "1h05m00s"),
        (90_000, "25h00m00s"),
        (-1, "0m00s"),
    ],
)
def test_it_writes_a_span_in_minutes(seconds, text):
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.5, "0.5s"), (12, "12s"), (12.04, "12s"), (59.97, "1m00s"), (75, "1m15s"), (0, "0s")],
)
def test_it_writes_a_short_span_precisely(seconds, text):
    assert format_duration(seconds, precise=True) == text


@given(st.text() | st.integers() | st.floats())
def test_anything_is_a_span_or_a_value_error(written):
    try:
        seconds = parse_duration(written)
    except ValueError:
        return
    assert 0 < seconds <= 366 * 86_400
