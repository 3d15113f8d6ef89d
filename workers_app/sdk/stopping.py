"""The flag that stops one attempt of a worker over HTTP, and why."""

from enum import StrEnum

from workers_app.executors.cancellation import Cancellation


class Why(StrEnum):
    """Why an attempt is to stop; it decides what the server is told."""

    CANCELLED = "cancelled"
    """The task was cancelled."""
    LOST = "lost"
    """The claim is held by nobody or by somebody else, or its lease could not be renewed."""
    TIMEOUT = "timeout"
    SHUTDOWN = "shutdown"
    """The worker stops; the task is handed back."""


class Stopping(Cancellation):
    """A cancellation whose reason is one of ``Why``."""

    @property
    def why(self) -> Why | None:
        """Why the attempt is to stop; None while it may go on."""
        return Why(self.reason) if self.requested else None
