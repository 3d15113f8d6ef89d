"""Fixtures of the API's tests."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.people import ApiClient, People, everybody
from tests.db.conftest import doorbell, fleet
from tests.support.doorbell import Doorbell
from tests.support.fleet import StaffedFleet

__all__ = ["doorbell", "fleet"]


@pytest.fixture(autouse=True)
def _no_limits(settings: Any) -> None:
    """Let the tests ask as often as they like; those about limits set them."""
    settings.CPDS = {
        **settings.CPDS,
        "requests_per_minute": 0,
        "worker_requests_per_minute": 0,
        "logins_per_minute": 0,
    }


@pytest.fixture(autouse=True)
def _engine(doorbell: Doorbell, fleet: StaffedFleet) -> None:
    """Give every test an engine without a broker."""


@pytest.fixture
def people(db: None) -> People:
    """Two projects and users of every role in both."""
    return everybody()


@pytest.fixture
def anybody() -> ApiClient:
    """A client without credentials."""
    return ApiClient()


@pytest.fixture
def configured(settings: Any) -> Callable[..., None]:
    """Change CPDS's own settings for one test: ``configured(trust_local=True)``."""

    def change(**values: Any) -> None:
        settings.CPDS = {**settings.CPDS, **values}

    return change


@pytest.fixture
def curl(configured, db) -> ApiClient:
    """Whoever sits at this machine, without a token."""
    configured(trust_local=True)
    return ApiClient(Host="localhost")
