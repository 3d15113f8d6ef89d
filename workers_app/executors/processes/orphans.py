"""Find by their mark, and kill, the processes of a command whose guardian is gone.

The last resort where there is no PID namespace: a process that clears its
environment escapes it.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MARK: Final = "CPDS_COMMAND_ID"
"""The environment variable that tells one command's processes from all others."""

PROCESSES: Final = Path("/proc")
_ROUNDS: Final = 50


def kill_marked(mark: str) -> None:
    """Kill every process that carries ``mark`` until none is left, or no more can be done."""
    for _ in range(_ROUNDS):
        pids = list(marked(mark))
        if not pids:
            return
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def marked(mark: str) -> Iterator[int]:
    """Yield the pids of the processes that carry ``mark``; none where the system does not tell (macOS)."""
    if not PROCESSES.is_dir():
        return
    wanted = f"{MARK}={mark}".encode()
    for entry in PROCESSES.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    yield int(entry.name)
