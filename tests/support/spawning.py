"""Start processes that never outlive the tests, and end them with all they started."""

import contextlib
import ctypes
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil

from tests.support.waiting import wait_until

PR_SET_PDEATHSIG = 1  # linux/prctl.h

# Note [One starter thread]
# The kernel sends the parent-death signal when the *thread* that started the process ends. Tests start and
# restart servers from short-lived threads too, so every start happens on one thread that lives as long as the
# test process does.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="starter")
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_the_tests() -> None:
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(argv: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start ``argv`` in a session of its own; it is killed when the test process dies, however it dies."""
    return _starter.submit(
        subprocess.Popen,
        list(argv),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_die_with_the_tests,
        **options,
    ).result()


def descendants(pid: int) -> list[psutil.Process]:
    """Return the living processes that ``pid`` started, and those that they started."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def alive(process: psutil.Process) -> bool:
    """Return whether a process runs: a zombie does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def end(processes: Iterable[psutil.Process]) -> None:
    """Kill these processes and wait until none of them runs."""
    found = list(processes)
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    # A zombie counts as gone: it waits for a parent that is not ours to make it disappear.
    wait_until(lambda: not any(map(alive, found)), message="killed processes to be gone")
