import pytest

from tests.support.waiting import StillWaitingError, stays_true, wait_until


def test_it_returns_what_the_condition_returned():
    answers = iter([None, 0, "", "here"])

    assert wait_until(lambda: next(answers)) == "here"


def test_it_tells_what_it_waited_for():
    with pytest.raises(StillWaitingError, match="the worker to start; it is still 0"):
        wait_until(lambda: 0, timeout=0.01, message="the worker to start")


def test_it_asks_for_the_message_only_when_it_fails():
    wait_until(lambda: True, message=lambda: pytest.fail("asked"))

    with pytest.raises(StillWaitingError, match="rows: 3"):
        wait_until(lambda: False, timeout=0.01, message=lambda: "rows: 3")


def test_what_stays_true_is_asked_to_the_end_and_what_does_not_ends_at_once():
    answers = iter([True, False])

    assert stays_true(lambda: True, seconds=0.05)
    assert not stays_true(lambda: next(answers), seconds=60)
