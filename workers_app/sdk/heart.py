"""The heartbeat: says that the worker lives, renews its leases, hears what is to stop."""

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from workers_app.sdk.errors import Refused, Unreachable
from workers_app.sdk.server import ANSWER_SECONDS, Server
from workers_app.sdk.work import HeldClaims, Why

logger = logging.getLogger("cpds.worker")


class Heart:
    """Two threads: one beats, one stops work whose lease could not be renewed or whose time is up."""

    def __init__(self, *, server: Server, claims: HeldClaims, seconds: float) -> None:
        self._server = server
        self._held = claims
        self._seconds = seconds
        self._stop = threading.Event()
        # Apart, so that a server that hangs in the middle of a heartbeat keeps no work going.
        self._threads = [
            threading.Thread(target=self._run, name="heartbeat", daemon=True),
            threading.Thread(target=self._watch_leases, name="leases", daemon=True),
        ]
        self.worker = ""
        """The worker's id, once it is registered."""
        self.is_draining = False
        """Whether an operator wants this worker to take nothing new."""
        self.is_stopping = False
        """Whether the worker tells that it is about to leave."""

    def start(self) -> None:
        """Begin to beat."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Beat no more, and wait for the answer to what was said last.

        A heartbeat that reaches the server after the goodbye would bring the worker back.
        """
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(ANSWER_SECONDS)

    def beat(self) -> None:
        """Beat once, now. A server that is away, or knows this worker no more, is logged."""
        asked_at = time.monotonic()
        held = self._held.tokens()
        try:
            told = self._server.beat(self.worker, claims=held, facts={"draining": self.is_stopping})
        except Unreachable as away:
            logger.warning("server_away: %s", away)
        except Refused as refused:
            logger.warning("heartbeat_refused: %s", refused)
            if refused.is_unknown_worker:
                self._held.stop_all(Why.LOST)
        else:
            self._hear(told, asked_at)

    def _hear(self, told: Mapping[str, Any], asked_at: float) -> None:
        self.is_draining = bool(told.get("drain"))
        kept = [each["token"] for each in told.get("claims", ())]
        self._held.renewed(tokens=kept, asked_at=asked_at, lease_seconds=float(told["lease_seconds"]))
        for each in told.get("stop", ()):
            why = Why.CANCELLED if each.get("why") == Why.CANCELLED else Why.LOST
            self._held.stop(each["token"], why)

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                self.beat()
            except Exception:  # an answer that is none: the leases decide what goes on
                logger.exception("heartbeat_failed")

    def _watch_leases(self) -> None:
        while not self._stop.wait(min(self._seconds, 1.0) / 4):
            self._held.stop_what_is_over()
