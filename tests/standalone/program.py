"""Standalone mode under the tests' control, and the processes that belong to a state directory."""

import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

from tests.support.program import Program
from tests.support.spawning import alive, descendants, spawn
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
CHILDREN = ("broker", "worker", "web", "beat")
NOT_THE_USERS = (
    "CPDS_",
    "DATABASE_URL",
    "DJANGO_SETTINGS_MODULE",
    "ANTHROPIC_",
    "SECRET_KEY",
    "COV_",
    "NO_COLOR",
)
NO_REHEARSAL = {"CPDS_REHEARSAL_URL": "http://127.0.0.1:9"}
"""Spares the start of the rehearsal's server where no agent runs; nothing listens on port 9."""


def users_environment(**more: str) -> dict[str, str]:
    """Return this environment without what the test run put into it."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(NOT_THE_USERS)}
    return {**kept, **more}


class Standalone(Program):
    """``manage.py standalone`` on a free port; ready when it has written ``run.json``."""

    stop_signal = signal.SIGINT
    start_seconds = 60.0

    def __init__(
        self, *arguments: str, state: Path, directory: Path, env: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(name=f"standalone-{state.name}", log=directory / f"{state.name}.err")
        self.state = state
        self.out = directory / f"{state.name}.out"
        self.arguments = [*([] if "--port" in arguments else ["--port", "0"]), *arguments]
        self.without_state_option = False
        self.env = users_environment(**(NO_REHEARSAL if env is None else env))

    def command(self) -> list[str]:
        """Return the command line that runs the program in the foreground."""
        manage = [sys.executable, str(ROOT / "manage.py"), "standalone"]
        where = [] if self.without_state_option else ["--state-dir", str(self.state)]
        return [*manage, *where, *self.arguments]

    def options(self) -> dict[str, Any]:
        """Run it somewhere else than in the project; stdout goes to a file of its own."""
        return {"cwd": self.out.parent, "env": self.env}

    def start(self, *, wait: bool = True) -> None:
        """Start it; ``wait`` for its being ready."""
        with self.log.open("ab") as err, self.out.open("ab") as out:
            self.process = spawn(self.command(), stdout=out, stderr=err, **self.options())
        if wait:
            self.wait_until_ready()

    def is_ready(self) -> bool:
        """Return whether it has said where everything is."""
        with contextlib.suppress(FileNotFoundError):
            return bool(self.facts()["pids"]["supervisor"] == self.pid)
        return False

    def facts(self) -> dict[str, Any]:
        """Return what ``run.json`` says."""
        found: dict[str, Any] = json.loads((self.state / "run.json").read_text(encoding="utf-8"))
        return found

    def pid_of(self, child: str) -> int:
        """Return the process id of a child, as ``run.json`` has it now."""
        return int(self.facts()["pids"][child])

    def living_pid_of(self, child: str) -> int | None:
        """Return the process id of a child that is ready and lives; None while it is being replaced."""
        pid = self.pid_of(child) if self.is_ready() else None
        return pid if pid and psutil.pid_exists(pid) and alive(psutil.Process(pid)) else None

    def wait_for(self, condition: Callable[[], Any], *, seconds: float = 30.0) -> Any:
        """Return the first true value of ``condition``."""
        return wait_until(
            condition, timeout=seconds, message=lambda: f"the supervisor. It said: {self.errors()}"
        )

    def wait_for_log(self, words: str) -> None:
        """Wait until the supervisor's own log says ``words``."""
        log = self.state / "logs" / "supervisor.log"
        self.wait_for(lambda: log.exists() and words in log.read_text(encoding="utf-8"))

    def children_stopped(self) -> list[tuple[str, bool]]:
        """Return the children in the order in which they were stopped, and whether each had to be killed."""
        log = (self.state / "logs" / "supervisor.log").read_text(encoding="utf-8")
        found = re.findall(r"child_stopped child=(\w+) seconds=\S+ killed=(\w+)", log)
        return [(name, killed == "True") for name, killed in found]

    def wait_for_child_of(self, child: str) -> None:
        """Wait until a child runs a process of its own."""
        self.wait_for(lambda: descendants(self.pid_of(child)), seconds=30)

    def wait_for_exit(self, seconds: float = 30.0) -> int:
        """Return the exit code, once it has ended."""
        assert self.process is not None
        return self.process.wait(timeout=seconds)

    def errors(self) -> str:
        """Return what it wrote to stderr."""
        return self.log.read_text(encoding="utf-8")

    def output(self) -> str:
        """Return what it wrote to stdout."""
        return self.out.read_text(encoding="utf-8")

    def belongings(self) -> list[psutil.Process]:
        """Return every living process of this state directory, the supervisor included."""
        return [each for each in psutil.process_iter() if alive(each) and self._owns(each)]

    def _owns(self, process: psutil.Process) -> bool:
        try:
            words = process.cmdline()
            return (
                process.environ().get("CPDS_STATE_DIR") == str(self.state)
                or str(self.state) in words
                or f"{self.state}/" in " ".join(words)
            )
        except psutil.Error:
            return False

    def wait_until_nothing_is_left(self, seconds: float = 5.0) -> None:
        """Wait until no process of the state directory lives."""
        wait_until(
            lambda: not self.belongings(),
            timeout=seconds,
            message=lambda: f"the end of {[each.cmdline() for each in self.belongings()]}",
        )
