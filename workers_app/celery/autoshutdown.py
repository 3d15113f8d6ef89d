"""When a worker leaves by itself: what its options ``--max-tasks``, ``--once`` and ``--idle-shutdown`` do."""

import sys
from typing import Any

from celery import bootsteps
from celery.concurrency.prefork import TaskPool as Processes

from workers_app.checks import UNUSABLE
from workers_app.fleet.admission import Limits, admission


class LeaveByItself(bootsteps.StartStopStep):
    """Takes the options. What runs is finished first; the exit code is 0."""

    requires = ("celery.worker.components:Pool",)

    def __init__(
        self,
        worker: Any,
        max_tasks: int | None = None,
        once: bool = False,
        idle_shutdown: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(worker, **options)
        self._limits = Limits(max_tasks=1 if once else max_tasks, idle_seconds=idle_shutdown)

    def start(self, worker: Any) -> None:
        """Begin to count.

        :raises SystemExit: with a pool of processes, which count apart.
        """
        if self._limits == Limits():
            return
        if isinstance(worker.pool, Processes):
            sys.stderr.write("--max-tasks, --once and --idle-shutdown need a pool of threads: -P threads.\n")
            sys.exit(UNUSABLE)
        admission.limit(self._limits)
