"""A program under the tests' control: started until it is ready, ended by pid with all it started."""

import contextlib
import os
import signal
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import psutil

from tests.support.spawning import descendants, end, spawn
from tests.support.waiting import wait_until


class ProgramFailedError(RuntimeError):
    """A program ended while it was starting; the sentence ends with its log."""


class Program(ABC):
    """A process that can be started, stopped, killed, frozen and thawed."""

    stop_signal = signal.SIGTERM
    start_seconds = 30.0
    stop_seconds = 10.0

    def __init__(self, *, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """Return the command line that runs the program in the foreground."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Return whether the program, which runs, does its work."""

    def options(self) -> dict[str, Any]:
        """Return what else ``subprocess.Popen`` needs to know."""
        return {}

    @property
    def pid(self) -> int:
        """The pid of the process; it stays readable after the process has ended."""
        assert self.process is not None, f"{self.name} was never started"
        return self.process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process lives; it may be frozen."""
        return self.process is not None and self.process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """What the process ended with; None while it runs; negative: the signal that ended it."""
        return None if self.process is None else self.process.poll()

    def start(self, *, wait: bool = True) -> None:
        """Start the program and wait until it is ready. Harmless when it runs already."""
        if self.is_running:
            return
        with self.log.open("ab") as log:
            self.process = spawn(self.command(), stdout=log, stderr=log, **self.options())
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until the program is ready.

        :raises ProgramFailedError: if it ends instead.
        """
        wait_until(
            self._ready_or_failed,
            timeout=self.start_seconds,
            message=lambda: f"{self.name} to be ready. Its log: {self.log_tail()}",
        )

    def _ready_or_failed(self) -> bool:
        if not self.is_running:
            raise ProgramFailedError(f"{self.name} ended while it was starting. Its log: {self.log_tail()}")
        return self.is_ready()

    def log_tail(self, characters: int = 6000) -> str:
        """Return the end of what the program wrote."""
        with contextlib.suppress(OSError):
            return self.log.read_text(encoding="utf-8", errors="replace")[-characters:]
        return ""

    def descendants(self) -> list[psutil.Process]:
        """Return the living processes that this one started, and those that they started."""
        return descendants(self.pid)

    def ask_to_stop(self) -> None:
        """Send the signal that stops the program, and do not wait."""
        if self.is_running and self.process is not None:
            self.process.send_signal(self.stop_signal)

    def stop(self) -> None:
        """Ask the program to stop; what has not ended in time is killed, with its descendants."""
        if self.process is None:
            return
        children = self.descendants()
        self.thaw()
        self.ask_to_stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=self.stop_seconds)
        self.kill()
        end(children)

    def kill(self) -> None:
        """Kill the process with -9 and wait until it is gone. What it started is left alone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def end(self) -> None:
        """Kill the process and everything it started, and wait until all are gone.

        When coverage is measured it is asked to stop first: what is killed cannot tell what it ran.
        """
        if "COVERAGE_PROCESS_CONFIG" in os.environ:
            self.stop()
        if self.process is not None:
            children = self.descendants()
            self.kill()
            end(children)

    def restart(self) -> None:
        """Stop the program and start it again."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Stop the process where it is (SIGSTOP): its connections stay, and it does nothing."""
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on (SIGCONT)."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
