"""The engine without broker and workers: what it publishes is kept, and slots are as many as a test says."""

from collections.abc import Iterator

import pytest

from tasks_app.canvas import publish
from tasks_app.services.fleet import connect_fleet, connected_fleet
from tests.support.doorbell import Doorbell
from tests.support.fleet import StaffedFleet

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
    connect_fleet(fleet=staffed)
    yield staffed
    connect_fleet(fleet=before)
