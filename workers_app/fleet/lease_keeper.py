"""The keeper: three threads in each worker process that keep its claims, and the fleet's chores, going.

It renews the leases of what runs here and stops what is no longer held; it says
that the worker is alive and asks what is wanted of it; and when no sweep has run
for three intervals it sweeps itself, so that neither a dead beat nor a fleet full
of long tasks stops recovery.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from django.db import Error as DatabaseError
from django.db import close_old_connections, connections

from cpds.base import clock
from cpds.base.conf import conf
from tasks_app.services.attempts.leases import held_claims, renew_claims
from tasks_app.services.lookup.alarm import rest, set_alarm
from tasks_app.services.lookup.fences import Fence
from tasks_app.services.maintenance.sweep import sweep
from tasks_app.services.maintenance.timers import wake_in_time
from workers_app.executors.cancellation import Cancellation
from workers_app.fleet.admission import admission
from workers_app.fleet.control_poll import ControlPoll
from workers_app.fleet.resources import read_resources
from workers_app.fleet.workers import beat_worker, note_draining

STOP_SECONDS: Final = 5.0
logger = logging.getLogger(__name__)

MARGIN_OF_LEASE: Final = 0.2
"""The part of a lease that is left when a worker that could not renew it stops its work."""


class LeaseKeeper:
    """Keeps the claims of one process. ``speaks`` is True in the process that is the worker itself."""

    def __init__(self, *, worker: str, speaks: bool, control_poll: ControlPoll | None = None) -> None:
        self.worker = worker
        self.speaks = speaks
        self._control_poll = control_poll
        self._held: dict[Fence, tuple[Cancellation, float]] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._drain_at: float | None = None
        self._next_look = 0.0
        self._beat_at = clock.monotonic()
        self._has_told_draining = False
        # Apart, so that a sweep that is slow, for example because the broker hangs, delays no renewal.
        self._threads = [
            threading.Thread(target=self._run, name="keeper", daemon=True),
            threading.Thread(target=self._keep_sweeping, name="keeper-sweeps", daemon=True),
            threading.Thread(target=self._keep_waking, name="keeper-alarm", daemon=True),
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads; what is held is told to stop. Afterwards no heartbeat follows."""
        self.interrupt_all("the worker stopped")
        self._stop.set()
        set_alarm()
        if self._threads[0].is_alive():
            self._threads[0].join(timeout=STOP_SECONDS)

    def drain(self) -> None:
        """Let what runs go on for the drain time, then interrupt it. Safe in a signal handler."""
        admission.drain("stopping")
        self._drain_at = clock.monotonic() + conf().drain_seconds

    @contextmanager
    def holding(self, fence: Fence) -> Iterator[Cancellation]:
        """Keep a claim while the block runs; yield the flag that says when to stop."""
        cancellation = Cancellation()
        with self._lock:
            self._held[fence] = (cancellation, clock.monotonic())
        try:
            yield cancellation
        finally:
            with self._lock:
                self._held.pop(fence, None)

    def interrupt_all(self, reason: str) -> None:
        """Tell everything that runs here to stop."""
        with self._lock:
            held = list(self._held.values())
        for cancellation, _ in held:
            cancellation.request(reason)

    def _run(self) -> None:
        settings = conf()
        tick = min(settings.heartbeat_seconds, 1.0)
        renewed_at = float("-inf")
        if self._control_poll is not None:
            self._guarded(self._control_poll.begin)
        while not self._stop.wait(tick):
            now = clock.monotonic()
            if self._drain_at is not None and now >= self._drain_at:
                self.interrupt_all("the worker is shutting down")
            if now - renewed_at >= settings.heartbeat_seconds - tick / 2:
                renewed_at = now
                self._guarded(self._renew)
            elif self._held:
                self._guarded(self._check)
            self._stop_what_cannot_be_renewed()
            self._attend()
        connections.close_all()

    def _keep_sweeping(self) -> None:
        while not self._stop.wait(conf().sweep_seconds):
            self._guarded(self._sweep)
        connections.close_all()

    def _keep_waking(self) -> None:
        """Wake what waits between attempts when its time has come; a sweep alone would be late by seconds."""
        while not self._stop.is_set():
            self._next_look = conf().sweep_seconds
            self._guarded(self._wake)
            rest(seconds=self._next_look)
        connections.close_all()

    def _wake(self) -> None:
        self._next_look = wake_in_time(within=conf().sweep_seconds)

    def _guarded(self, act: Callable[[], None]) -> None:
        """Do ``act``; a database that is away is the next tick's business."""
        try:
            close_old_connections()
            act()
        except DatabaseError as error:
            logger.warning("keeper_without_database act=%s error=%s", act.__name__, type(error).__name__)
            connections.close_all()
        except Exception:
            logger.exception("keeper_failed act=%s", act.__name__)

    def _check(self) -> None:
        """Stop what was cancelled or taken back, well before the next renewal would notice."""
        with self._lock:
            claims = list(self._held)
        self._interrupt_lost(claims, kept=held_claims(worker=self.worker, claims=claims))

    def _interrupt_lost(self, claims: list[Fence], *, kept: set[Fence]) -> None:
        with self._lock:
            lost = [self._held[key][0] for key in claims if key not in kept and key in self._held]
        for cancellation in lost:
            cancellation.request("the task was cancelled or taken back")

    def _renew(self) -> None:
        asked_at = clock.monotonic()
        with self._lock:
            claims = list(self._held)
        kept = renew_claims(worker=self.worker, claims=claims)
        with self._lock:
            for key in kept & self._held.keys():
                self._held[key] = (self._held[key][0], asked_at)
        self._interrupt_lost(claims, kept=kept)
        self._beat_at = asked_at
        completed = admission.completed_since()
        if self.speaks or completed:
            is_known = beat_worker(name=self.worker, resources=read_resources(), completed=completed)
            if not is_known and self._control_poll is not None:
                self._control_poll.register_anew()

    def _attend(self) -> None:
        if self._drain_at is not None:
            if self.speaks and not self._has_told_draining:
                self._guarded(self._tell_draining)
        elif self._control_poll is not None:
            self._guarded(self._control_poll.look)

    def _tell_draining(self) -> None:
        note_draining(self.worker)
        self._has_told_draining = True

    def _sweep(self) -> None:
        sweep(only_if_overdue=True)

    def _stop_what_cannot_be_renewed(self) -> None:
        """Stop work whose lease is about to end unrenewed: another worker may start it any moment."""
        last_good = clock.monotonic() - conf().lease_seconds * (1 - MARGIN_OF_LEASE)
        with self._lock:
            # A claim that is younger than the last heartbeat ends with it: a worker that is silent is gone.
            overdue = [
                cancellation
                for cancellation, at in self._held.values()
                if at < last_good or self._beat_at < last_good
            ]
        for cancellation in overdue:
            cancellation.request("the lease could not be renewed")


_keepers: dict[int, LeaseKeeper] = {}
_keepers_lock = threading.Lock()


def keeper_of_this_process(
    *, worker: str, speaks: bool = False, control_poll: ControlPoll | None = None
) -> LeaseKeeper:
    """Return this process's keeper, started on first use; a forked child gets one of its own."""
    with _keepers_lock:
        keeper = _keepers.get(os.getpid())
        if keeper is None:
            keeper = _keepers[os.getpid()] = LeaseKeeper(
                worker=worker, speaks=speaks, control_poll=control_poll
            )
            keeper.start()
        return keeper


def running_keeper() -> LeaseKeeper | None:
    """Return this process's keeper, if it has one."""
    return _keepers.get(os.getpid())
