"""What the database says, looked at every third of a second from a thread of its own.

A database that hangs therefore delays neither Ctrl-C nor the care for the children.
"""

import logging
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.db import connections
from django.db.utils import Error as DatabaseError

from cpds.base.clock import monotonic
from cpds.base.errors import CPDSError
from cpds.host.standalone.errors import DatabaseUnusable
from cpds.host.standalone.execution import Prepared, submit

if TYPE_CHECKING:
    from tasks_app.services.queries.views.instances import InstanceStatusView, OverviewView

LOOK_EVERY_SECONDS = 0.3

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What one look found."""

    instance: str = ""
    """What was submitted."""
    document: "InstanceStatusView | None" = None
    """Its final state, in the form of ``instance status --json``; None until it has ended."""
    overview: "OverviewView | None" = None
    """The instances and tasks that run now, for the live view."""
    quiet_since: float | None = None
    """Since when (monotonic) nothing is unfinished nor armed to wake; None while something is."""
    something_failed: bool = False
    """Whether an instance that ended during this stay did not complete; known once it is quiet."""
    refused: CPDSError | None = None
    """Why nothing could be submitted; no further look follows."""
    broken: Exception | None = None
    """A failure nobody foresaw; no further look follows."""


@dataclass(frozen=True, kw_only=True)
class Before:
    """What was in the database before this stay: keys of the newest instance and of the unfinished ones."""

    newest: int
    unfinished: list[int]


def take_snapshot() -> Before:
    """Return what the database holds, before a worker changes it."""
    from tasks_app.services.queries import newest_instance, unfinished_instances

    return Before(newest=newest_instance(), unfinished=unfinished_instances())


class Watch(threading.Thread):
    """Submits what was prepared, then keeps :attr:`look` up to date until it is closed."""

    def __init__(
        self, *, before: Before, prepared: Prepared | None, until_quiet: bool, with_overview: bool
    ) -> None:
        super().__init__(name="watch", daemon=True)
        self.look = Snapshot()
        self._before = before
        self._prepared = prepared
        self._until_quiet = until_quiet
        self._with_overview = with_overview
        self._closed = threading.Event()

    @property
    def is_needed(self) -> bool:
        """Whether anyone wants to know what the database says."""
        return self._prepared is not None or self._until_quiet or self._with_overview

    def close(self) -> None:
        """Ask for the end of the thread, and wait for it a moment."""
        self._closed.set()
        if self.is_alive():
            self.join(timeout=0.5)

    def run(self) -> None:
        """Look, again and again."""
        try:
            while not self._closed.is_set():
                self._look_once()
                if self.look.refused or self.look.broken:
                    return
                self._closed.wait(LOOK_EVERY_SECONDS)
        finally:
            connections.close_all()

    def _look_once(self) -> None:
        try:
            if self._prepared and not self.look.instance:
                self.look = Snapshot(instance=_submit(self._prepared))
            self.look = self._next_look()
        except CPDSError as error:
            self.look = replace(self.look, refused=error)
        except DatabaseError as error:
            logger.warning("database_not_answering error=%s", " ".join(str(error).split()))
            connections.close_all()
        except Exception as error:
            self.look = replace(self.look, broken=error)

    def _next_look(self) -> Snapshot:
        from tasks_app.services.queries import instance_status, is_final, running_overview, unfinished_counts

        look = self.look
        if look.instance and look.document is None and is_final(look.instance):
            look = replace(look, document=instance_status(look.instance))
        if self._with_overview:
            look = replace(look, overview=running_overview())
        if not self._until_quiet:
            return look
        if any(unfinished_counts().values()):
            return replace(look, quiet_since=None, something_failed=False)
        if look.quiet_since is None:
            look = replace(look, quiet_since=monotonic(), something_failed=self._something_failed())
        return look

    def _something_failed(self) -> bool:
        from tasks_app.services.queries import ended_badly

        return ended_badly(since=self._before.newest, among=self._before.unfinished) > 0


def _submit(prepared: Prepared) -> str:
    try:
        return submit(prepared)
    except DatabaseError as error:
        # The instance may be stored nevertheless: to try again could start a second one.
        raise DatabaseUnusable(why=" ".join(str(error).split())) from error
