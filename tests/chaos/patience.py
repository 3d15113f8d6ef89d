"""Ask a database that may be away, which is what these runs are about."""

from collections.abc import Callable
from typing import TypeVar

from tests.support.waiting import wait_until

T = TypeVar("T")
LONGEST_ABSENCE_SECONDS = 60


def patiently(act: Callable[[], T]) -> T:
    """Return what ``act`` returns, called again while the database does not answer.

    What was committed just before a connection broke is then done twice.
    """
    from django.db import InterfaceError, OperationalError, close_old_connections, connections

    def answer() -> tuple[T] | None:
        try:
            close_old_connections()
            return (act(),)
        except (OperationalError, InterfaceError):
            connections.close_all()
            return None

    found = wait_until(answer, timeout=LONGEST_ABSENCE_SECONDS, message="the database to answer")
    assert found is not None
    return found[0]
