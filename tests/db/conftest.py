"""The engine without broker and workers: what it publishes is kept, and slots are as many as a test says."""

from collections.abc import Iterator

import pytest

from tasks_app.canvas import publish
from tasks_app.services.listeners import outbox_notify
from tasks_app.services.lookup.fleet import connect_fleet, connected_fleet
from tests.support import listeners_for_tests
from tests.support.doorbell import Doorbell
from tests.support.fleet import StaffedFleet
from tests.support.listeners_for_tests import InMemory
from tests.support.listening import PATH

SLOTS = 8


@pytest.fixture
def doorbell(monkeypatch: pytest.MonkeyPatch) -> Doorbell:
    """Takes everything that is published; chords are possible."""
    bell = Doorbell()
    monkeypatch.setattr(publish, "publish", bell.publish)
    monkeypatch.setattr(publish, "chords_are_possible", lambda: True)
    return bell


@pytest.fixture
def fleet() -> Iterator[StaffedFleet]:
    """A fleet whose number of slots the test sets: ``fleet.free = 0``."""
    before = connected_fleet()
    staffed = StaffedFleet(before, free=SLOTS)
    connect_fleet(staffed)
    yield staffed
    connect_fleet(before)


@pytest.fixture
def bells(monkeypatch):
    """What was rung for, instead of a broker."""
    rung = []
    monkeypatch.setattr(publish, "ring_listener", lambda *bell: rung.append(bell) or True)
    monkeypatch.setattr(outbox_notify, "_quiet_until", float("-inf"))
    return rung


@pytest.fixture
def listen(settings, monkeypatch, bells):
    """Have one listener, which remembers what it hears: ``hearer = listen(events=[...])``."""

    def listening(**entry):
        hearer = InMemory()
        monkeypatch.setattr(listeners_for_tests, "in_memory", hearer)
        settings.CPDS = {**settings.CPDS, "listeners": [{"listener": f"{PATH}.in_memory", **entry}]}
        return hearer

    return listening
