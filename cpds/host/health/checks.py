"""Ask the database and the broker one question each, for no longer than a probe can wait."""

import logging
import threading
from collections.abc import Callable

from celery import current_app
from django.db import connection
from django.db.utils import Error as DatabaseError
from kombu.exceptions import OperationalError as BrokerError

from cpds.base.conf import conf

LONGEST_CONNECT_SECONDS = 5

logger = logging.getLogger(__name__)


class Check:
    """A question that may hang, asked from a thread.

    Only one is under way at a time: who asks meanwhile waits for the same answer, so a
    server that hangs costs one thread however often the probes come.
    """

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._asked: _Asked | None = None

    def passes(self, within_seconds: float) -> bool:
        """Return whether the question was answered in time."""
        with self._lock:
            if self._asked is None or self._asked.done.is_set():
                self._asked = _Asked(self._ask)
                self._asked.start()
            asked = self._asked
        return asked.done.wait(within_seconds) and asked.passed


class _Asked(threading.Thread):
    def __init__(self, ask: Callable[[], None]) -> None:
        super().__init__(name="health", daemon=True)  # one that hangs must not keep the process from ending
        self._ask = ask
        self.passed = False
        self.done = threading.Event()

    def run(self) -> None:
        try:
            self._ask()
            self.passed = True
        except (DatabaseError, BrokerError, OSError) as error:
            logger.warning("health_check_failed check=%s error=%s", self._ask.__name__, type(error).__name__)
        finally:
            self.done.set()


def _ask_database() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()


def _ask_broker() -> None:
    with current_app.connection_for_write(connect_timeout=LONGEST_CONNECT_SECONDS) as broker:
        # With Redis this includes a PING: kombu opens a channel, which makes sure of the server.
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=LONGEST_CONNECT_SECONDS)


_database = Check(_ask_database)
_broker = Check(_ask_broker)


def database_answers() -> bool:
    """Return whether the database answers within ``probe_seconds``."""
    return _database.passes(within_seconds=conf().probe_seconds)


def broker_answers() -> bool:
    """Return whether the broker answers within ``probe_seconds``."""
    return _broker.passes(within_seconds=conf().probe_seconds)
