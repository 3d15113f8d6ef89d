"""A server of the workers' protocol, and agents that work for it."""

import threading

import pytest

from tests.unit.http_worker.fleet_server import serving
from workers_app.sdk import WorkerAgent


@pytest.fixture
def fleet():
    with serving() as server:
        yield server


class Hired:
    """An agent at work in a thread."""

    def __init__(self, agent, **limits):
        self.agent = agent
        self.failure = None
        self._limits = limits
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            self.agent.run(**self._limits)
        except Exception as error:
            self.failure = error

    def over(self):
        """Wait until it has left; return its tally."""
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self.agent.tally

    def dismiss(self):
        self.agent.stop()
        self.agent.stop()
        self._thread.join(20)


@pytest.fixture
def hire(fleet):
    """Start an agent whose handler for everything is the function given; it is dismissed after the test."""
    hired = []

    def start(function, *, kind="*", heartbeat_seconds=0.1, limits=None, **options):
        agent = WorkerAgent(fleet.url, name="w", heartbeat_seconds=heartbeat_seconds, **options)
        agent.handler(kind)(function)
        hired.append(Hired(agent, **({"max_tasks": 1} if limits is None else limits)))
        return hired[-1]

    yield start
    for each in hired:
        each.dismiss()
