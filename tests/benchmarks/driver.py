"""A process that submits to one of the systems under measurement: each needs settings of its own."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

import psutil

from tests.support.spawning import end


class Driver:
    """A child process with an environment of its own, which does what it is told, one thing at a time."""

    def __init__(self, env: Mapping[str, str], prepare: Callable[[], None]) -> None:
        self._pool = ProcessPoolExecutor(
            max_workers=1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(dict(env), prepare),
        )
        self._pid: Future[int] = self._pool.submit(os.getpid)

    def wait_until_ready(self) -> None:
        """Wait until the child is prepared."""
        self._pid.result()

    def start(self, act: Callable[..., Any], *args: Any) -> "Future[Any]":
        """Have the child call a function of a module; return its future result."""
        return self._pool.submit(act, *args)

    def end(self) -> None:
        """Kill the child."""
        children = list(self._pool._processes or ())
        self._pool.shutdown(wait=False, cancel_futures=True)
        end([psutil.Process(pid) for pid in children if psutil.pid_exists(pid)])


def _begin(env: Mapping[str, str], prepare: Callable[[], None]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    os.environ.update(env)
    prepare()
