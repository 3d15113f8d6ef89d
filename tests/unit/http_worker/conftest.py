"""A server of the workers' protocol, and workers that work for it."""

import threading

import pytest

from tests.unit.http_worker.fleet_server import serving
from workers_app.sdk import WorkerAgent


@pytest.fixture
def fleet():
    with serving() as server:
        yield server


class Hired:
    """A worker at work in a thread."""

    def __init__(self, worker, **limits):
        self.worker = worker
        self.failure = None
        self._limits = limits
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            self.worker.run(**self._limits)
        except Exception as error:
            self.failure = error

    def over(self):
        """Wait until it has left; return its tally."""
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self.worker.tally

    def dismiss(self):
        self.worker.stop()
        self.worker.stop()
        self._thread.join(20)


@pytest.fixture
def hire(fleet):
    """Start a worker whose handler for everything is the function given; it is dismissed after the test."""
    hired = []

    def start(function, *, kind="*", heartbeat_seconds=0.1, limits=None, **options):
        worker = WorkerAgent(fleet.url, name="w", heartbeat_seconds=heartbeat_seconds, **options)
        worker.handler(kind)(function)
        hired.append(Hired(worker, **({"max_tasks": 1} if limits is None else limits)))
        return hired[-1]

    yield start
    for each in hired:
        each.dismiss()
