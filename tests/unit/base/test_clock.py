from datetime import UTC, timedelta

from cpds.base import clock


def test_the_wall_clock_is_in_utc():
    assert clock.now().tzinfo is UTC
    assert clock.now().utcoffset() == timedelta(0)


def test_the_monotonic_clock_never_runs_backwards():
    readings = [clock.monotonic() for _ in range(1000)]

    assert readings == sorted(readings)
