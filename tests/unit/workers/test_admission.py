"""A process starts no more than it may, and knows when it has done enough."""

from types import SimpleNamespace

import pytest

from workers_app.fleet import admission as module
from workers_app.fleet.admission import Admission, Limits
from workers_app.fleet.describe import WorkerStatus, status_of


@pytest.fixture
def time(monkeypatch):
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(module, "clock", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_without_limits_it_goes_on_for_ever(time):
    admission = Admission()
    time.now += 1e6

    assert admission.admit()
    admission.finish(has_completed=True)
    assert not admission.is_over


def test_no_more_are_taken_than_the_limit(time):
    admission = Admission()
    admission.limit(Limits(max_tasks=2))

    assert [admission.admit() for _ in range(3)] == [True, True, False]
    assert not admission.is_over
    admission.finish(has_completed=True)
    admission.finish(has_completed=False)

    assert admission.is_over
    assert admission.completed_since() == 1
    assert admission.completed_since() == 0


def test_what_was_not_to_be_had_does_not_count(time):
    admission = Admission()
    admission.limit(Limits(max_tasks=1))
    admission.admit()
    admission.unadmit()

    assert not admission.is_over
    assert admission.admit()


def test_it_is_over_when_idle_for_long_enough(time):
    admission = Admission()
    admission.limit(Limits(idle_seconds=10))
    time.now += 9
    assert not admission.is_over
    admission.admit()
    time.now += 100
    assert not admission.is_over
    admission.finish(has_completed=True)
    time.now += 9.9
    assert not admission.is_over

    time.now += 0.1

    assert admission.is_over


def test_who_drains_takes_nothing_until_every_reason_is_gone():
    admission = Admission()
    admission.drain("one")
    admission.drain("two")
    admission.undrain("one")
    assert not admission.admit()

    admission.undrain("two")

    assert admission.admit()


@pytest.mark.parametrize(
    ("is_alive", "is_draining", "running", "status"),
    [
        (False, True, 3, WorkerStatus.OFFLINE),
        (True, True, 3, WorkerStatus.DRAINING),
        (True, False, 0, WorkerStatus.IDLE),
        (True, False, 2, WorkerStatus.ONLINE),
        (True, False, 3, WorkerStatus.BUSY),
    ],
)
def test_a_status_is_derived_from_what_is_so(is_alive, is_draining, running, status):
    assert status_of(is_alive=is_alive, is_draining=is_draining, running=running, slots=3) is status
