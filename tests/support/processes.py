"""Celery's processes as a user starts them, under the tests' control."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.program import Program

ROOT = Path(__file__).resolve().parent.parent.parent
HOST = "tests"
QUICK = {
    "CPDS_LEASE_SECONDS": 3,
    "CPDS_RENEW_SECONDS": 0.5,
    "CPDS_SWEEP_SECONDS": 0.2,
    "CPDS_REDELIVER_SECONDS": 1,
}
"""The environment of a fleet that notices within seconds what went wrong."""


class PythonProgram(Program):
    """A Python program of this checkout, with this process's environment and what ``env`` adds."""

    def __init__(
        self, *, name: str, directory: Path, arguments: list[str], env: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(name=name, log=directory / f"{name}.log")
        self.arguments = arguments
        self.env = {key: str(value) for key, value in (env or {}).items()}

    def command(self) -> list[str]:
        """Return the command line that runs the program in the foreground."""
        return [sys.executable, *self.arguments]

    def options(self) -> dict[str, object]:
        """Return what else ``subprocess.Popen`` needs to know."""
        return {"cwd": ROOT, "env": {**os.environ, "PYTHONUNBUFFERED": "1", **self.env}}

    def is_ready(self) -> bool:
        """Return whether the program, which runs, does its work."""
        return True


class WorkerProcess(PythonProgram):
    """A Celery worker with a pool of threads; ready when it says so in its ready file."""

    start_seconds = 40.0
    stop_seconds = 20.0

    def __init__(
        self,
        *,
        directory: Path,
        name: str = "w1",
        concurrency: int = 4,
        env: Mapping[str, object] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self.ready_file = directory / f"{name}.ready"
        self.node = f"{name}@{HOST}"
        arguments = [
            "-m", "celery", "-A", "cpds", "worker", "-P", "threads", "-c", str(concurrency), "-n", self.node,
            "--without-gossip", "--without-mingle", "--without-heartbeat", *options,
        ]  # fmt: skip
        super().__init__(
            name=name,
            directory=directory,
            arguments=arguments,
            env={"CPDS_READY_FILE": self.ready_file, **(env or {})},
        )

    def start(self, *, wait: bool = True) -> None:
        """Start the worker and wait until it takes messages."""
        if not self.is_running:
            self.ready_file.unlink(missing_ok=True)
        super().start(wait=wait)

    def is_ready(self) -> bool:
        """Return whether the worker takes messages."""
        return self.ready_file.exists()


class BeatProcess(PythonProgram):
    """A celery-beat; ready when its log says that it has read its schedule."""

    def __init__(
        self, *, directory: Path, name: str = "beat", env: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(
            name=name,
            directory=directory,
            arguments=["-m", "celery", "-A", "cpds", "beat"],
            env=env,
        )

    def is_ready(self) -> bool:
        """Return whether beat has begun to tick.

        Sooner, a signal may be lost: Celery's beat saves the schedule in the signal's handler, which fails
        or hangs when it interrupts the statements that load it (celery/apps/beat.py, 5.7.0).
        """
        log = self.log_tail()
        return "DatabaseScheduler: Schedule changed" in log or "Scheduler: Sending due task" in log
