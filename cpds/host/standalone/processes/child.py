"""One child process: started, watched, started again when it dies, stopped."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cpds.base.clock import monotonic
from cpds.host.standalone import logs
from cpds.host.standalone.errors import ChildKeepsDying
from cpds.host.standalone.processes.deathwatch import Deathwatch
from cpds.host.standalone.processes.probes import Probe

LAUNCHER = Path(__file__).with_name("launcher.py")
DEATHS_TO_GIVE_UP = 5
DEATHS_WITHIN_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
READY_WITHIN_SECONDS = 120.0
"""A child that is not ready by then is killed, which counts as a death."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ChildSpec:
    """What a child is: how it is started, how one knows that it is ready, how it is stopped."""

    name: str
    argv: Callable[[], Sequence[str]]
    """Asked at each start: some arguments are only known once another child is ready."""
    environment: Callable[[], Mapping[str, str]]
    """The whole environment, asked at each start."""
    directory: Path
    log: Path
    probe: Callable[[], Probe]
    """Makes the probe of one life; called before the process is started."""
    after: tuple[str, ...] = ()
    """The children that must be ready before this one is started."""
    patience_seconds: float
    """How long it may take to stop when asked, before it is killed."""
    open_files: tuple[int, ...] = ()
    """File descriptors it inherits."""
    advice: str = ""
    """What to tell when it keeps dying, beside its log."""


class Child:
    """A child in its present life."""

    def __init__(self, spec: ChildSpec, *, deathwatch: Deathwatch) -> None:
        self.spec = spec
        self.ready = False
        self._deathwatch = deathwatch
        self._process: subprocess.Popen[bytes] | None = None
        self._probe: Probe = lambda _pid: False
        self._deaths: deque[float] = deque(maxlen=DEATHS_TO_GIVE_UP)
        self._started_at = 0.0
        self._start_at: float | None = 0.0

    @property
    def pid(self) -> int | None:
        """The process id of the present life, if there is one."""
        return self._process.pid if self._process else None

    def look(self, *, may_start: bool) -> bool:
        """Do what the moment asks for; return whether something changed.

        :raises ChildKeepsDying: when it died too often to try again.
        """
        if self._process is None:
            return self._start_if_due(may_start=may_start)
        if self._process.poll() is not None:
            self._note_death(self._process.returncode)
            return True
        if self.ready:
            return False
        self.ready = self._probe(self._process.pid)
        if not self.ready and monotonic() > self._started_at + READY_WITHIN_SECONDS:
            logger.warning("child_never_ready child=%s seconds=%.0f", self.spec.name, READY_WITHIN_SECONDS)
            self.kill()
        return self.ready

    def _start_if_due(self, *, may_start: bool) -> bool:
        if not may_start or self._start_at is None or monotonic() < self._start_at:
            return False
        self._probe = self.spec.probe()
        with logs.appended(self.spec.log) as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), *self.spec.argv()],
                cwd=self.spec.directory,
                env=dict(self.spec.environment()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=self.spec.open_files,
                start_new_session=True,  # the terminal's Ctrl-C is the supervisor's alone
            )
        self._deathwatch.guard(self._process.pid)
        self._started_at = monotonic()
        logger.info("child_started child=%s pid=%d", self.spec.name, self._process.pid)
        return True

    def _note_death(self, returncode: int) -> None:
        self._bury()
        now = monotonic()
        self._deaths.append(now)
        recent = sum(1 for each in self._deaths if each > now - DEATHS_WITHIN_SECONDS)
        if recent >= DEATHS_TO_GIVE_UP:
            raise ChildKeepsDying(
                child=self.spec.name,
                deaths=recent,
                seconds=now - self._deaths[0],
                how=_how_it_ended(returncode),
                log=self.spec.log,
                tail="\n".join(filter(None, [logs.tail(self.spec.log), self.spec.advice])),
            )
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (recent - 1), LONGEST_PAUSE_SECONDS)
        logger.warning(
            "child_died child=%s how=%r again_in_seconds=%.1f",
            self.spec.name,
            _how_it_ended(returncode),
            pause,
        )
        self._start_at = now + pause

    def _bury(self) -> None:
        """Kill what the dead process left in its group, and forget it."""
        if self._process is not None:
            _signal_group(self._process.pid, signal.SIGKILL)
            self._deathwatch.release(self._process.pid)
        self._process = None
        self.ready = False

    def ask_to_stop(self) -> None:
        """Send SIGTERM, and do not start it again."""
        self._start_at = None
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """Kill its whole process group."""
        if self._process is not None:
            _signal_group(self._process.pid, signal.SIGKILL)

    def is_gone(self) -> bool:
        """Return whether it has ended, and clear away what it left."""
        if self._process is not None and self._process.poll() is not None:
            self._bury()
        return self._process is None


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _how_it_ended(returncode: int) -> str:
    if returncode >= 0:
        return f"exit code {returncode}"
    try:
        return f"killed by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"killed by signal {-returncode}"
