"""The keeper stops what is no longer held, and what soon will not be."""

import threading
from types import SimpleNamespace

import pytest
from django.db import OperationalError

from tasks_app.services.lookup.alarm import set_alarm
from tasks_app.services.lookup.fences import Fence
from tests.support.waiting import wait_until
from workers_app.fleet import lease_keeper as module
from workers_app.fleet.lease_keeper import LeaseKeeper

KEY = (1, "a-dispatch")
LEASE, RENEW, DRAIN = 30, 6, 20


@pytest.fixture(autouse=True)
def settings_in_force(settings):
    settings.CPDS = {
        **settings.CPDS,
        "lease_seconds": LEASE,
        "heartbeat_seconds": RENEW,
        "drain_seconds": DRAIN,
        "sweep_seconds": 0.01,
    }


@pytest.fixture
def time(monkeypatch):
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(module, "clock", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def record(monkeypatch):
    """What the record answers: which claims are kept, and what was asked of it."""
    answers = SimpleNamespace(kept=None, asked=[], beats=[], sweeps=[], looks=[], pause=3600.0)

    def wake(within):
        answers.looks.append(within)
        return answers.pause

    answers.wake = wake

    def renew_claims(*, worker, claims):
        answers.asked.append((worker, list(claims)))
        if isinstance(answers.kept, Exception):
            raise answers.kept
        return set(claims) if answers.kept is None else answers.kept

    monkeypatch.setattr(module, "renew_claims", renew_claims)
    monkeypatch.setattr(module, "beat_worker", lambda *, name, **_facts: answers.beats.append(name))
    monkeypatch.setattr(module, "sweep", lambda **asked: answers.sweeps.append(asked))
    monkeypatch.setattr(module, "wake_in_time", answers.wake)
    return answers


def a_claim(task_id=1, dispatch_id="a-dispatch"):
    return Fence(task_id, dispatch_id)


def a_keeper(*, speaks=False):
    return LeaseKeeper(worker="worker@a", speaks=speaks)


def test_what_is_held_is_renewed(record, time):
    keeper = a_keeper()

    with keeper.holding(a_claim()) as cancellation:
        keeper._renew()

    assert record.asked == [("worker@a", [KEY])]
    assert not cancellation.requested


def test_what_is_done_is_not_renewed(record, time):
    keeper = a_keeper()
    with keeper.holding(a_claim()):
        pass

    keeper._renew()

    assert record.asked == [("worker@a", [])]


def test_a_block_that_fails_is_not_held_either(record, time):
    keeper = a_keeper()

    with pytest.raises(ZeroDivisionError), keeper.holding(a_claim()):
        raise ZeroDivisionError

    assert keeper._held == {}


def test_a_lost_claim_is_interrupted_and_no_other(record, time):
    keeper = a_keeper()
    record.kept = {(2, "kept")}

    with keeper.holding(a_claim()) as lost, keeper.holding(a_claim(2, "kept")) as kept:
        keeper._renew()

        assert (lost.requested, lost.reason) == (True, "the task was cancelled or taken back")
        assert not kept.requested


def test_a_lease_that_was_renewed_goes_on(record, time):
    keeper = a_keeper()

    with keeper.holding(a_claim()) as cancellation:
        for _ in range(20):
            time.now += RENEW
            keeper._renew()
            keeper._stop_what_cannot_be_renewed()

        assert not cancellation.requested


def test_a_lease_that_cannot_be_renewed_is_stopped_before_it_ends(record, time):
    keeper = a_keeper()
    record.kept = OperationalError()

    with keeper.holding(a_claim()) as cancellation:
        stopped_at = None
        for second in range(LEASE):
            time.now += 1
            keeper._guarded(keeper._renew)
            keeper._stop_what_cannot_be_renewed()
            if cancellation.requested:
                stopped_at = second + 1
                break

    assert cancellation.reason == "the lease could not be renewed"
    assert LEASE / 2 < stopped_at < LEASE


def test_a_claim_that_is_younger_than_the_last_heartbeat_ends_with_it(record, time):
    keeper = a_keeper()
    time.now += LEASE

    with keeper.holding(a_claim()) as cancellation:
        keeper._stop_what_cannot_be_renewed()

        assert cancellation.requested


def test_a_renewal_counts_from_when_it_was_asked(record, time, monkeypatch):
    keeper = a_keeper()

    def slow(*, worker, claims):
        time.now += LEASE
        return set(claims)

    monkeypatch.setattr(module, "renew_claims", slow)

    with keeper.holding(a_claim()) as cancellation:
        keeper._renew()
        keeper._stop_what_cannot_be_renewed()

        assert cancellation.requested


@pytest.mark.parametrize("speaks", [True, False])
def test_only_the_worker_itself_says_that_it_lives(record, time, speaks):
    a_keeper(speaks=speaks)._renew()

    assert record.beats == (["worker@a"] if speaks else [])


def test_stopping_interrupts_everything(record, time):
    keeper = a_keeper()

    with keeper.holding(a_claim()) as one, keeper.holding(a_claim(2)) as two:
        keeper.stop()

        assert (one.reason, two.reason) == ("the worker stopped", "the worker stopped")


def test_between_renewals_a_lost_claim_is_interrupted_and_no_other(record, time, monkeypatch):
    keeper = a_keeper()
    monkeypatch.setattr(module, "held_claims", lambda *, worker, claims: set(claims) - {KEY})

    with keeper.holding(a_claim()) as lost, keeper.holding(a_claim(2, "kept")) as kept:
        keeper._check()

        assert (lost.requested, kept.requested) == (True, False)


@pytest.mark.parametrize("is_known", [True, False])
def test_a_worker_that_the_record_does_not_know_registers_anew(record, time, monkeypatch, is_known):
    registered = []
    control_poll = SimpleNamespace(register_anew=lambda: registered.append(True))
    monkeypatch.setattr(module, "beat_worker", lambda **_facts: is_known)

    LeaseKeeper(worker="worker@a", speaks=True, control_poll=control_poll)._renew()

    assert registered == [True][is_known:]


@pytest.fixture
def running(record, settings):
    """A keeper with its threads, that renews all the time."""
    settings.CPDS = {**settings.CPDS, "heartbeat_seconds": 0.01, "drain_seconds": 0}
    keeper = a_keeper()
    yield keeper
    keeper.stop()
    for thread in keeper._threads:
        thread.join(10)
        assert not thread.is_alive()


def test_draining_interrupts_when_the_drain_time_is_over(running):
    running.start()

    with running.holding(a_claim()) as cancellation:
        running.drain()

        assert cancellation.wait(10)
        assert cancellation.reason == "the worker is shutting down"


def test_draining_lets_what_runs_go_on_for_the_drain_time(running, record, settings):
    settings.CPDS = {**settings.CPDS, "drain_seconds": 600}
    running.start()

    with running.holding(a_claim()) as cancellation:
        running.drain()
        asked = len(record.asked)
        wait_until(lambda: len(record.asked) > asked + 2)

        assert not cancellation.requested


def test_it_sweeps_only_when_nobody_else_does(running, record):
    running.start()

    wait_until(lambda: len(record.sweeps) >= 2)

    assert record.sweeps[0] == {"only_if_overdue": True}


def test_a_database_that_is_away_ends_no_thread(running, record):
    record.kept = OperationalError()
    running.start()
    wait_until(lambda: len(record.asked) >= 3)

    record.kept = None

    asked = len(record.asked)
    wait_until(lambda: len(record.asked) > asked)


def test_a_sweep_that_hangs_delays_no_renewal(running, record, monkeypatch):
    hangs, goes_on = threading.Event(), threading.Event()

    def hanging(**_asked):
        hangs.set()
        goes_on.wait(10)

    monkeypatch.setattr(module, "sweep", hanging)
    running.start()
    assert hangs.wait(10)
    asked = len(record.asked)

    wait_until(lambda: len(record.asked) > asked + 2)

    goes_on.set()


def test_a_wait_that_was_just_recorded_makes_it_look_again_at_once(record):
    keeper = a_keeper()
    keeper.start()
    try:
        wait_until(lambda: len(record.looks) == 1, message="the first look")
        set_alarm()
        wait_until(lambda: len(record.looks) >= 2, message="another look long before the hour is over")
    finally:
        keeper.stop()


def test_it_looks_again_when_the_next_wait_ends(record):
    record.pause = 0.01
    keeper = a_keeper()
    keeper.start()
    try:
        wait_until(lambda: len(record.looks) >= 3, message="looks one after the other")
    finally:
        keeper.stop()
