"""How long a worker waits before it asks again."""

import pytest

from workers_app.sdk.backoff import Backoff


def ceilings(backoff, monkeypatch, number):
    monkeypatch.setattr("random.uniform", lambda _least, most: most)
    return [backoff.next_seconds() for _ in range(number)]


def test_waits_double_up_to_the_longest(monkeypatch):
    assert ceilings(Backoff(first_seconds=1, longest_seconds=10), monkeypatch, 6) == [1, 2, 4, 8, 10, 10]


def test_up_to_half_of_a_wait_is_left_out():
    waits = [Backoff(first_seconds=8).next_seconds() for _ in range(200)]

    assert 4 <= min(waits) < max(waits) <= 8


def test_what_worked_begins_anew(monkeypatch):
    backoff = Backoff(first_seconds=1)
    ceilings(backoff, monkeypatch, 5)

    backoff.reset()

    assert backoff.next_seconds() == 1


@pytest.mark.parametrize(("wish", "least"), [(20.0, 20.0), (None, 0.25), (0.0, 0.25)])
def test_it_waits_at_least_as_long_as_the_server_wishes(wish, least):
    assert least <= Backoff(first_seconds=0.5).next_seconds(wish) <= max(least, 0.5)


def test_a_thousand_failures_are_no_overflow():
    backoff = Backoff()

    assert max(backoff.next_seconds() for _ in range(2000)) <= 30
