"""Measure in this process what instances cost: statements, CPU and wall time, memory."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
from django.db import connection

from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.submit.instances import submit_instance
from tasks_app.services.workflows.definitions import upload_workflow
from tests.benchmarks.scale import Cost, Point, Spent
from tests.benchmarks.statements import played_broker
from tests.support.builders import a_workflow


def cost_of(point: Point, seconds: float) -> Cost:
    """Upload the point's workflow, submit its instances, and run their tasks for so many seconds at most.

    Instances that have not ended by then are cancelled, and that is not counted.
    """
    source = a_workflow(*point.tasks(), name=point.name).encode()
    own = psutil.Process()
    with played_broker() as courier:
        with _metered() as upload:
            upload_workflow(source=source)
        before = own.memory_info().rss
        with _metered() as submit:
            submitted = [submit_instance(workflow=point.name) for _ in range(point.instances)]
        after_submit = own.memory_info().rss
        with _metered() as run:
            completed = courier.deliver(seconds=seconds)
        after_run = own.memory_info().rss
        if completed < point.size * point.instances:
            for instance in submitted:
                cancel_instance(given=instance)
    return Cost(
        tasks=point.size * point.instances,
        completed=completed,
        upload=upload.spent(),
        submit=submit.spent(),
        run=run.spent(),
        memory_before=before,
        memory_submitted=after_submit,
        memory_after=after_run,
    )


class _Meter:
    """Counts statements, without keeping them, and time between ``start`` and ``stop``."""

    def __init__(self) -> None:
        self.statements = 0
        self._cpu = self._wall = 0.0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.statements += 1
        return execute(sql, params, many, context)

    def start(self) -> None:
        """Begin to measure."""
        self._cpu, self._wall = -_cpu_seconds(), -time.perf_counter()

    def stop(self) -> None:
        """Measure no more."""
        self._cpu += _cpu_seconds()
        self._wall += time.perf_counter()

    def spent(self) -> Spent:
        """Return what was measured."""
        return Spent(statements=self.statements, cpu_seconds=self._cpu, wall_seconds=self._wall)


@contextmanager
def _metered() -> Iterator[_Meter]:
    meter = _Meter()
    with connection.execute_wrapper(meter):
        meter.start()
        yield meter
        meter.stop()


def _cpu_seconds() -> float:
    """Return the CPU time of this process and of the database server's process that serves it."""
    total = time.process_time()
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        spent = psutil.Process(connection.connection.info.backend_pid).cpu_times()
        total += spent.user + spent.system
    return total
