"""A worker over HTTP: takes tasks that fit, has handlers perform them, keeps what it holds alive."""

import logging
import os
import platform
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from workers_app.sdk.attempt import Ending, perform
from workers_app.sdk.backoff import Backoff
from workers_app.sdk.context import Context
from workers_app.sdk.errors import Refused, Unreachable
from workers_app.sdk.fetching import TICK_SECONDS, Fetcher, Limits
from workers_app.sdk.handlers import Handler
from workers_app.sdk.heart import Heart
from workers_app.sdk.server import Server
from workers_app.sdk.work import ANY_KIND, Claim, HeldClaims, Why, Work

logger = logging.getLogger("cpds.worker")
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
UNWIND_SECONDS: Final = 5.0
"""How long attempts that were told to stop may take for it before the worker leaves without them."""
H = TypeVar("H", bound=Handler)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many attempts of a worker ended how."""

    completed: int = 0
    failed: int = 0
    released: int = 0
    abandoned: int = 0


class WorkerAgent:
    """A worker over HTTP.

    ``token``: a worker's token (None: the server trusts this machine). ``name`` is
    what the fleet calls it; give one that stays the same and a restarted worker takes
    its predecessor's place at once. ``grace_seconds``: how long running tasks may go on
    after SIGTERM; then they are told to stop and are handed back.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        capabilities: Sequence[str] = (),
        concurrency: int = 1,
        *,
        name: str | None = None,
        project: str | None = None,
        labels: Mapping[str, str] | None = None,
        heartbeat_seconds: float = 10.0,
        grace_seconds: float = 20.0,
        workspace: Path | None = None,
    ) -> None:
        if concurrency < 1:
            raise ValueError(f"expected a concurrency of at least 1, found {concurrency}")
        self.name = name or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self.concurrency = concurrency
        self._server = Server(base_url, token, project=project)
        self._facts = {
            "name": self.name,
            "host": socket.gethostname(),
            "platform": platform.platform()[:100],
            "version": f"sdk python {platform.python_version()}",
            "slots": concurrency,
            "capabilities": sorted(set(capabilities)),
            "labels": dict(labels or {}),
            "heartbeat_seconds": heartbeat_seconds,
        }
        self._grace_seconds = grace_seconds
        self._workspace = workspace
        self._handlers: dict[str, Handler] = {}
        self._held = HeldClaims()
        self._heart = Heart(server=self._server, claims=self._held, seconds=heartbeat_seconds)
        self._stop = threading.Event()
        self._stop_now = threading.Event()
        self._lock = threading.Lock()
        self._tally = Tally()

    @property
    def tally(self) -> Tally:
        """What was done so far."""
        return self._tally

    @property
    def worker_id(self) -> str:
        """The id that the server knows it by; empty until it is registered."""
        return self._heart.worker

    def handler(self, kind: str = ANY_KIND) -> Callable[[H], H]:
        """Register the decorated function for tasks of a kind.

        The kind is what ``with.kind`` of the task says, else its executor. ``*``: whatever
        has no handler of its own. The function takes a ``Context``; it may be ``async``.
        """

        def register(function: H) -> H:
            self._handlers[kind] = function
            return function

        return register

    def stop(self) -> None:
        """Take nothing new, and leave; asked a second time, without the grace. Safe in a signal handler."""
        if self._stop.is_set():
            self._stop_now.set()
        self._stop.set()

    def run(
        self,
        *,
        max_tasks: int | None = None,
        idle_seconds: float | None = None,
        patience_seconds: float | None = None,
    ) -> Tally:
        """Work until told to stop, once in its life; SIGTERM and SIGINT do so.

        ``max_tasks``: leave after so many. ``idle_seconds``: leave after so long without
        work. ``patience_seconds``: how long the server may be away (None: for ever).

        :raises Refused: when the server does not take this worker.
        :raises Unreachable: when its patience has ended.
        """
        if not self._handlers:
            raise ValueError("expected a handler: register one with @worker.handler()")
        limits = Limits(max_tasks=max_tasks, idle_seconds=idle_seconds, patience_seconds=patience_seconds)
        try:
            with self._signals():
                if self._register(patience_seconds) is None:
                    return self._tally
                failure = self._work_until_over(limits)
        finally:
            self._server.close()
        if failure is not None:
            raise failure
        return self._tally

    def _work_until_over(self, limits: Limits) -> Refused | Unreachable | None:
        fetcher = Fetcher(
            server=self._server,
            claims=self._held,
            heart=self._heart,
            concurrency=self.concurrency,
            kinds=None if ANY_KIND in self._handlers else sorted(self._handlers),
            limits=limits,
            stop=self._stop,
            register=self._register,
            begin=self._begin,
        )
        # In a thread, so that a signal is obeyed while a question waits for its answer.
        fetching = threading.Thread(target=fetcher.run, name="fetch", daemon=True)
        self._heart.start()
        fetching.start()
        while fetching.is_alive() and not self._stop.is_set():
            fetching.join(TICK_SECONDS)
        self._leave()
        return fetcher.failure

    def _register(self, patience_seconds: float | None = None) -> str | None:
        """Register, waiting for the server; return the id, None when told to stop meanwhile."""
        backoff = Backoff()
        give_up_at = None if patience_seconds is None else time.monotonic() + patience_seconds
        while not self._stop.is_set():
            try:
                self._heart.worker = str(self._server.register(self._facts)["id"])
            except Unreachable as away:
                if give_up_at is not None and time.monotonic() >= give_up_at:
                    raise
                logger.warning("server_away: %s", away)
                self._stop.wait(backoff.next_seconds(away.retry_after_seconds))
            else:
                logger.info("registered worker=%s name=%s", self.worker_id, self.name)
                return self.worker_id
        return None

    def _begin(self, claim: Claim, leased_at: float) -> None:
        """Start an attempt, or hand it back when it came too late."""
        if self._stop.is_set():
            with suppress(Refused, Unreachable):
                self._server.release(self.worker_id, claim.token, reason="the worker was stopped")
            return
        work = self._held.take(claim, leased_at=leased_at)
        threading.Thread(
            target=self._attempt, args=(work,), name=f"task-{claim.task.get('id')}", daemon=True
        ).start()

    def _attempt(self, work: Work) -> None:
        claim, began = work.claim, time.monotonic()
        told = f"task={claim.task.get('id')} attempt={claim.attempt}"
        logger.info("task_started %s kind=%s", told, claim.kind)
        handler = self._handlers.get(claim.kind) or self._handlers[ANY_KIND]
        context = Context(server=self._server, worker=self.worker_id, work=work, directory=self._workspace)
        ending = Ending.ABANDONED
        try:
            ending = perform(handler, context=context, server=self._server, worker=self.worker_id, work=work)
        finally:
            context.close()
            self._count(ending)
            logger.info("task_%s %s seconds=%.2f", ending.value, told, time.monotonic() - began)
            self._held.drop(work)

    def _count(self, ending: Ending) -> None:
        with self._lock:
            counts = vars(self._tally)
            self._tally = Tally(**{**counts, ending.value: counts[ending.value] + 1})

    def _leave(self) -> None:
        """Let what runs finish, have the rest handed back, and say goodbye."""
        self._stop.set()
        self._heart.is_stopping = True
        if self._held.tokens():
            self._heart.beat()
            self._wait_for_ends(self._grace_seconds)
            self._held.stop_all(Why.SHUTDOWN)
            self._wait_for_ends(UNWIND_SECONDS, even_when_hurried=True)
        self._heart.stop()
        with suppress(Refused, Unreachable):
            self._server.leave(self.worker_id)
        logger.info("left worker=%s", self.worker_id)

    def _wait_for_ends(self, seconds: float, *, even_when_hurried: bool = False) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and (even_when_hurried or not self._stop_now.is_set()):
            if not self._held.wait_for_fewer_than(1, seconds=TICK_SECONDS):
                return

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Take the signals that stop, where signals can be taken: in the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: Any) -> None:
        self.stop()
