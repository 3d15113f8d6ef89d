"""Long polls: requests of workers that wait until there is something for them.

One thread of each web process looks what is offered, in one statement, several times a
second and only while somebody waits; whoever waits for a project sleeps until something
changed there. How many may wait at once is bounded: each keeps a thread of the server.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

from django.db import Error as DatabaseError
from django.db import connections

from cpds.base import clock, db
from cpds.base.conf import conf
from tasks_app.services.http_workers.offers import offers_by_project

logger = logging.getLogger(__name__)
Found = TypeVar("Found")

LONGEST_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 0.25
LOOK_ANYWAY_SECONDS: Final = 5.0
"""How long one sleeps at most: what concerns the worker itself, a wish to drain say, changes no offer."""


class Waiters:
    """Those who wait in this process, and the thread that looks for all of them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0
        self._marks: dict[int, tuple[Any, ...]] = {}
        self._thread: threading.Thread | None = None

    def enter(self) -> bool:
        """Take a place; return False when all are taken. ``leave`` follows."""
        with self._changed:
            if self._count >= conf().long_polls:
                return False
            self._count += 1
            if self._thread is None:
                self._marks = {}
                self._thread = threading.Thread(target=self._look, name="offers", daemon=True)
                self._thread.start()
            return True

    def leave(self) -> None:
        """Give the place back."""
        with self._changed:
            self._count -= 1

    def mark_of(self, project_id: int) -> tuple[Any, ...]:
        """Return what was last seen of a project's offers."""
        with self._changed:
            return self._marks.get(project_id, ())

    def sleep(self, project_id: int, *, mark: tuple[Any, ...], seconds: float) -> None:
        """Sleep until a project's offers are others than ``mark``, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: self._marks.get(project_id, ()) != mark, timeout=seconds)

    def _look(self) -> None:
        try:
            while self._is_wanted():
                try:
                    marks = offers_by_project()
                except DatabaseError as error:
                    logger.warning("offers_unknown error=%s", type(error).__name__)
                    connections.close_all()
                    continue
                with self._changed:
                    if marks != self._marks:
                        self._marks = marks
                        self._changed.notify_all()
        finally:
            connections.close_all()

    def _is_wanted(self) -> bool:
        """Rest a moment; return whether anybody waits, and end the thread's term if nobody does."""
        with self._changed:
            self._changed.wait(LOOK_SECONDS)
            if self._count == 0:
                self._thread = None
            return self._thread is threading.current_thread()


waiters: Final = Waiters()
"""This process's."""


def wait_for_offer(
    *, project_id: int, look: Callable[[], Found], is_enough: Callable[[Found], bool], seconds: float
) -> Found:
    """Return what ``look`` finds, when ``is_enough`` says so or after ``seconds`` (30 at most).

    While it sleeps it holds no connection. When too many wait already it does not wait.
    """
    found = look()
    if seconds <= 0 or is_enough(found) or not waiters.enter():
        return found
    until = clock.monotonic() + min(seconds, LONGEST_SECONDS)
    try:
        while True:
            mark = waiters.mark_of(project_id)
            found = look()
            left = until - clock.monotonic()
            if is_enough(found) or left <= 0:
                return found
            if not db.in_transaction():
                connections.close_all()
            waiters.sleep(project_id, mark=mark, seconds=min(left, LOOK_ANYWAY_SECONDS))
    finally:
        waiters.leave()
