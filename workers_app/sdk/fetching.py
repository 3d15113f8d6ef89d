"""Fetching: ask the server for tasks while there is room for them."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from workers_app.sdk.backoff import Backoff
from workers_app.sdk.errors import Refused, Unreachable
from workers_app.sdk.heart import Heart
from workers_app.sdk.server import Server
from workers_app.sdk.work import Claim, HeldClaims, Why

logger = logging.getLogger("cpds.worker")
POLL_SECONDS: Final = 20.0
TICK_SECONDS: Final = 0.2
PAUSE_SECONDS: Final = 2.0
"""Between questions to a server that answers at once instead of waiting."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When a worker leaves by itself; None: never."""

    max_tasks: int | None = None
    idle_seconds: float | None = None
    patience_seconds: float | None = None
    """How long the server may be away."""


class Fetcher:
    """Takes claims and has them begun, until a limit is reached or it is told to stop."""

    def __init__(
        self,
        *,
        server: Server,
        claims: HeldClaims,
        heart: Heart,
        concurrency: int,
        kinds: Sequence[str] | None,
        limits: Limits,
        stop: threading.Event,
        register: Callable[[], str | None],
        begin: Callable[[Claim, float], None],
    ) -> None:
        self._server = server
        self._held = claims
        self._heart = heart
        self._concurrency = concurrency
        self._kinds = kinds
        self._limits = limits
        self._stop = stop
        self._register = register
        self._begin = begin
        self._started = 0
        self._backoff = Backoff()
        self._idle_since = self._heard_at = time.monotonic()
        self.failure: Refused | Unreachable | None = None
        """Why it ended, when that was not in good order."""

    def run(self) -> None:
        """Fetch until there is a reason to end."""
        while not self._stop.is_set():
            held = self._held.wait_for_fewer_than(self._concurrency, seconds=TICK_SECONDS)
            if self._is_over(held):
                return
            room = self._room(held)
            if room <= 0:
                self._stop.wait(TICK_SECONDS)
                continue
            try:
                number = self._take(room)
            except Unreachable as away:
                if self._is_out_of_patience():
                    self.failure = away
                    return
                logger.warning("server_away: %s", away)
                self._stop.wait(self._backoff.next_seconds(away.retry_after_seconds))
            except Refused as refused:
                self.failure = refused
                return
            else:
                self._backoff.reset()
                self._heard_at = time.monotonic()
                if number or held:
                    self._idle_since = self._heard_at

    def _is_over(self, held: int) -> bool:
        if held:
            return False
        limits = self._limits
        if limits.max_tasks is not None and self._started >= limits.max_tasks:
            return True
        idle = time.monotonic() - self._idle_since
        return limits.idle_seconds is not None and idle >= limits.idle_seconds

    def _room(self, held: int) -> int:
        if self._heart.is_draining:
            return 0
        room = self._concurrency - held
        most = self._limits.max_tasks
        return room if most is None else min(room, most - self._started)

    def _is_out_of_patience(self) -> bool:
        patience = self._limits.patience_seconds
        return patience is not None and time.monotonic() - self._heard_at > patience

    def _take(self, room: int) -> int:
        """Take up to ``room`` tasks and have them begun; return how many."""
        asked_at = time.monotonic()
        idle = self._limits.idle_seconds
        wait_seconds = POLL_SECONDS if idle is None else min(POLL_SECONDS, idle)
        try:
            told = self._server.claim(
                self._heart.worker, limit=room, wait_seconds=wait_seconds, kinds=self._kinds
            )
        except Refused as refused:
            if not refused.is_unknown_worker:
                raise
            # The server lost its memory, or threw this worker out: begin anew.
            self._held.stop_all(Why.LOST)
            self._register()
            return 0
        claims = [Claim.read(each) for each in told.get("claims", ())]
        for claim in claims:
            # Leases count from when they were given at the latest: after so long a wait there.
            self._started += 1
            self._begin(claim, asked_at + float(told.get("waited_seconds") or 0.0))
        if not claims and time.monotonic() - asked_at < min(wait_seconds, PAUSE_SECONDS):
            self._stop.wait(Backoff(first_seconds=PAUSE_SECONDS).next_seconds())
        return len(claims)
