"""A worker that several tests use one after the other, frozen while the database is emptied between them."""

from collections.abc import Mapping
from pathlib import Path

from tasks_app.models import Task
from tasks_app.states import TaskState
from tests.support.freezing import freeze_between_transactions
from tests.support.processes import WorkerProcess
from tests.support.waiting import wait_until
from workers_app.models import Worker


class SharedWorker:
    """At most one worker; it is lent to one test at a time."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._env: Mapping[str, object] = {}
        self._worker: WorkerProcess | None = None

    def lend(self, *, env: Mapping[str, object]) -> WorkerProcess:
        """Return a worker with this environment that is registered: the one there is, or a new one."""
        if self._worker is None or env != self._env:
            self.end()
            self._env, self._worker = env, WorkerProcess(directory=self._directory, env=env)
            self._worker.start()
        else:
            self._worker.thaw()
            self._wait_until_registered(self._worker)
        return self._worker

    # Its row went with all others; as soon as it notices, it registers again.
    def _wait_until_registered(self, worker: WorkerProcess) -> None:
        wait_until(
            lambda: Worker.objects.filter(name=worker.node).exists(),
            timeout=worker.start_seconds,
            message=lambda: f"{worker.name} to register again. Its log: {worker.log_tail()}",
        )

    def take_back(self, *, unharmed: bool) -> None:
        """Freeze the worker until it is lent again; end one that may still be at something."""
        if self._worker is None:
            return
        is_idle = not (Task.objects.filter(status=TaskState.RUNNING).exists() or self._worker.descendants())
        if unharmed and is_idle and self._worker.is_running:
            freeze_between_transactions(self._worker)
        else:
            self.end()

    def end(self) -> None:
        """Kill the worker, if there is one: who is frozen would be handed the messages of others."""
        if self._worker is not None:
            self._worker.end()
            self._worker = None
