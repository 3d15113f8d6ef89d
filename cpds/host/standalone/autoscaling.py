"""``manage.py autoscale --start``: as many local workers as the work wants, until Ctrl-C or SIGTERM."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from django.db import Error as DatabaseError
from django.db import close_old_connections, connections

from cpds.base.clock import monotonic
from cpds.base.conf import conf
from cpds.host.standalone.errors import AutoscalerRuns, StateDirectoryInUse
from cpds.host.standalone.processes.deathwatch import Deathwatch
from cpds.host.standalone.processes.interrupts import Interrupts
from cpds.host.standalone.processes.worker_pool import TURN_SECONDS, WorkerPool
from cpds.host.standalone.state import StateDirectory, make_private
from tasks_app.services.maintenance.sweep import sweep
from tasks_app.services.scaling.autoscale import Pool, ScalingController, WantedView, scale, workers_wanted
from workers_app.fleet.abilities import served_here

QUIET_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 2.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Scaled:
    """A change: how many workers there are to be from now on, and how many were to be before."""

    before: int
    workers: int
    wanted: WantedView


@dataclass(frozen=True, kw_only=True)
class Autoscaler:
    """What one stay needs to know. ``pool.slots``, ``minimum`` and ``maximum`` are set."""

    pool: Pool
    prefix: str
    quiet_seconds: float = QUIET_SECONDS
    look_seconds: float = LOOK_SECONDS
    tell: Callable[[Scaled], None]

    def run(self) -> None:
        """Start and stop workers until somebody wants it to end; then stop them all.

        :raises AutoscalerRuns: when one of this name is at work on this machine already.
        :raises ChildKeepsDying: when a worker died too often; all are stopped.
        """
        make_private(conf().state_path)
        state = StateDirectory(conf().state_path / "autoscale" / self.prefix)
        with (
            _claimed(state, self.prefix) as lock,
            Interrupts() as interrupts,
            contextlib.closing(Deathwatch(lock=lock)) as deathwatch,
        ):
            workers = WorkerPool(
                prefix=self.prefix,
                slots=self.pool.slots or 1,
                state=state,
                deathwatch=deathwatch,
                interrupts=interrupts,
            )
            try:
                self._stay(workers, interrupts)
            finally:
                workers.stop()
                _without_database_later(workers.undrain_all)

    def _stay(self, workers: WorkerPool, interrupts: Interrupts) -> None:
        controller = ScalingController(workers=self.pool.minimum)
        look_at = monotonic()
        while not interrupts.asked:
            if monotonic() >= look_at:
                look_at = monotonic() + self.look_seconds
                controller = self._look(workers, controller)
            _without_database_later(workers.turn)
            interrupts.wait(TURN_SECONDS)

    def _look(self, workers: WorkerPool, controller: ScalingController) -> ScalingController:
        """Return how many workers there are to be, and see to it; unchanged while the database is away."""
        now = controller

        def act() -> None:
            nonlocal now
            # Without a worker, here or elsewhere, nobody else would wake what is due.
            sweep(only_if_overdue=True)
            wanted = workers_wanted(pool=self.pool, projects=served_here(), own=workers.names())
            found = scale(controller, wanted=wanted.workers, at=monotonic(), quiet_seconds=self.quiet_seconds)
            workers.scale_to(found.workers)
            if found.workers != controller.workers:
                self.tell(Scaled(before=controller.workers, workers=found.workers, wanted=wanted))
            now = found

        _without_database_later(act)
        return now


def _without_database_later(act: Callable[[], None]) -> None:
    """Do ``act``; while the database is away it is the next turn's business."""
    try:
        close_old_connections()
        act()
    except DatabaseError as error:
        logger.warning("autoscaler_without_database error=%s", type(error).__name__)
        connections.close_all()


@contextlib.contextmanager
def _claimed(state: StateDirectory, prefix: str) -> Iterator[int]:
    with contextlib.ExitStack() as stack:
        try:
            lock = stack.enter_context(state.claim())
        except StateDirectoryInUse as error:
            raise AutoscalerRuns(name=prefix) from error
        yield lock
