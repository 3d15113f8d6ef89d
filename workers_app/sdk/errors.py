"""What can go wrong between a worker and its server, and what a handler may say."""

from collections.abc import Mapping
from typing import Any


class AgentError(Exception):
    """Base of what the worker itself raises."""


class Unreachable(AgentError):
    """The server did not answer, or not now: try again. ``retry_after_seconds`` is its own wish, if any."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Refused(AgentError):
    """The server said no; asking again the same way will not help."""

    def __init__(self, message: str, *, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    @property
    def is_lost_claim(self) -> bool:
        """Whether it refused because the claim is no longer held."""
        return self.status == 409

    @property
    def is_unknown_worker(self) -> bool:
        """Whether it does not know this worker (any more)."""
        return self.status == 404


class TaskFailed(Exception):
    """Raised by a handler: the attempt failed. ``retryable``: trying again may help.

    ``kind`` is a stable word for machines, ``detail`` holds facts; ``report`` is what
    the attempt used (``prompt``, ``answer``, ``model``, ``call_id``, ``tokens``).
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str = "worker_error",
        retryable: bool = True,
        detail: Mapping[str, Any] | None = None,
        report: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retryable = retryable
        self.detail = dict(detail or {})
        self.report = dict(report or {})


class Stopped(Exception):
    """Raised by ``ctx.check()``: this attempt was told to stop; let it pass through."""
