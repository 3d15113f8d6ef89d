"""What a worker holds: claims, each with the end of its lease and the flag that stops its attempt."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from workers_app.executors.cancellation import Cancellation

MARGIN: Final = 0.2
"""The part of a lease that is left when work is given up whose lease could not be renewed."""
ANY_KIND: Final = "*"


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


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A task this worker may perform until its lease ends unrenewed.

    ``token`` is the fence: every later word about the task shows it. ``task`` is the
    task as the server tells of it, ``arguments`` its ``with`` with templates filled in.
    """

    token: str
    kind: str
    task: Mapping[str, Any]
    arguments: Mapping[str, Any]
    attempt: int
    idempotency_key: str
    lease_seconds: float
    timeout_seconds: float | None

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> "Claim":
        """Return the claim that an answer of the server tells of."""
        return cls(
            token=told["token"],
            kind=told["kind"],
            task=told["task"],
            arguments=told["arguments"],
            attempt=told["attempt"],
            idempotency_key=told["idempotency_key"],
            lease_seconds=told["lease_seconds"],
            timeout_seconds=told["timeout_seconds"],
        )


@dataclass(kw_only=True)
class Work:
    """One claim in hand. ``good_until`` and ``due_at`` are readings of the monotonic clock."""

    claim: Claim
    good_until: float
    due_at: float | None
    stopping: Stopping = field(default_factory=Stopping)


class HeldClaims:
    """The work of one worker, by token. Safe in any thread."""

    def __init__(self) -> None:
        self._works: dict[str, Work] = {}
        self._changed = threading.Condition()

    def take(self, claim: Claim, *, leased_at: float) -> Work:
        """Hold a claim; ``leased_at`` is not later than when its lease was given."""
        now = time.monotonic()
        timeout = claim.timeout_seconds
        work = Work(
            claim=claim,
            good_until=leased_at + claim.lease_seconds * (1 - MARGIN),
            due_at=None if timeout is None else now + timeout,
        )
        with self._changed:
            self._works[claim.token] = work
        return work

    def drop(self, work: Work) -> None:
        """Hold a claim no longer."""
        with self._changed:
            self._works.pop(work.claim.token, None)
            self._changed.notify_all()

    def tokens(self) -> list[str]:
        """Return the tokens of what is held."""
        with self._changed:
            return list(self._works)

    def renewed(self, *, tokens: list[str], asked_at: float, lease_seconds: float) -> None:
        """Note that these leases were renewed by a request made at ``asked_at``."""
        with self._changed:
            for token in tokens:
                if token in self._works:
                    self._works[token].good_until = asked_at + lease_seconds * (1 - MARGIN)

    def stop(self, token: str, why: Why) -> None:
        """Tell one attempt to stop."""
        with self._changed:
            work = self._works.get(token)
        if work is not None:
            work.stopping.request(why)

    def stop_all(self, why: Why) -> None:
        """Tell all attempts to stop."""
        for token in self.tokens():
            self.stop(token, why)

    def stop_what_is_over(self) -> None:
        """Tell attempts to stop whose time is up, or whose lease is about to end unrenewed."""
        now = time.monotonic()
        with self._changed:
            works = list(self._works.values())
        for work in works:
            if now >= work.good_until:
                work.stopping.request(Why.LOST)
            elif work.due_at is not None and now >= work.due_at:
                work.stopping.request(Why.TIMEOUT)

    def wait_for_fewer_than(self, number: int, *, seconds: float) -> int:
        """Wait until less than ``number`` are held, at most so long; return how many are."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._works) < number, timeout=seconds)
            return len(self._works)
