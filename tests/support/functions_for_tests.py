"""Registered functions that the tests' workflows run, in this process or in a worker's.

Workers find this module by ``CPDS_FUNCTION_MODULES``. The files these functions are
given lie in the test's own directory: that is how a test watches and controls a worker.
"""

import asyncio
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.support.effects import append_effect, effects
from tests.support.waiting import wait_until
from workers_app.functions import task_function


@task_function("noop")
def noop() -> None:
    """Do nothing."""


@task_function("echo")
def echo(**arguments: Any) -> dict[str, Any]:
    """Return the arguments."""
    return arguments


@task_function("nap")
def nap(seconds: float) -> float:
    """Take a while; return how long."""
    time.sleep(seconds)
    return seconds


@task_function("nap_async")
async def nap_async(seconds: float) -> float:
    """Take a while without a thread."""
    await asyncio.sleep(seconds)
    return seconds


@task_function("fail")
def fail(message: str = "as asked") -> None:
    """Raise an error that says ``message``."""
    raise RuntimeError(message)


@task_function("fail_at_first")
def fail_at_first(path: str, times: int = 1) -> int:
    """Fail the first ``times`` times, counted in the effect log ``path``; then return the number of tries."""
    append_effect(path, "try")
    tries = len(effects(path))
    if tries <= times:
        raise RuntimeError(f"try {tries} of {times} that fail")
    return tries


@task_function("act_once_bad")
def act_once_bad(path: str, tries: str, item: str) -> str:
    """Append ``item`` to the effect log ``path`` and return it; the item ``bad`` fails at its first try."""
    if item == "bad":
        append_effect(tries, "try")
        if len(effects(tries)) == 1:
            raise RuntimeError("bad at first")
    append_effect(path, item)
    return item


@task_function("not_json")
def not_json() -> object:
    """Return what JSON cannot say."""
    return object()


@task_function("record_effect")
def record_effect(path: str, line: str = "effect", seconds: float = 0) -> str:
    """Append ``line`` to the effect log ``path``, then take ``seconds``."""
    append_effect(path, line)
    if seconds:
        time.sleep(seconds)
    return line


@task_function("record_both_ends")
def record_both_ends(path: str, line: str, seconds: float) -> str:
    """Append ``line`` to the effect log ``path``, take ``seconds``, and append ``end`` and the line."""
    append_effect(path, line)
    time.sleep(seconds)
    append_effect(path, f"end {line}")
    return line


@task_function("hold")
def hold(path: str, started: str = "", line: str = "held", timeout: float = 60) -> str:
    """Wait until the file ``path`` exists; record the start in the effect log ``started``."""
    if started:
        append_effect(started, line)
    wait_until(Path(path).exists, timeout=timeout, message=f"{path} to release a held task")
    return line


@task_function("die")
def die(code: int = 9) -> None:
    """End the worker's process at once, without any clean-up."""
    os._exit(code)


@task_function("die_at_first")
def die_at_first(path: str, times: int = 1) -> int:
    """End the worker's process the first ``times`` times; then return the number of tries."""
    append_effect(path, "try")
    tries = len(effects(path))
    if tries <= times:
        os._exit(9)
    return tries


@task_function("start_a_sleeper")
def start_a_sleeper(path: str, seconds: float = 600) -> int:
    """Start a process that sleeps, write its pid to ``path``, and wait for it."""
    sleeper = subprocess.Popen(["sleep", str(seconds)])
    append_effect(path, str(sleeper.pid))
    sleeper.wait()
    return sleeper.pid


@task_function("hold_and_tell")
def hold_and_tell(path: str, started: str, timeout: float = 60) -> dict[str, int]:
    """Like ``hold``, and return which process this was."""
    append_effect(started, str(os.getpid()))
    wait_until(Path(path).exists, timeout=timeout, message=f"{path} to release a held task")
    return {"pid": os.getpid()}


@task_function("count_up")
def count_up(ctx: Any) -> None:
    """Emit numbers from where the last batch ended; then return, or stream on until it is told to stop.

    ``to``: emit up to that one. ``path``: the effect log of what was emitted. ``seconds``:
    between two of them. ``stays``: do not return after the last one.
    """
    arguments = ctx.arguments
    number = ctx.last_batch.item if ctx.last_batch else 0
    append_effect(arguments["path"], f"start after {number}")
    while not ctx.cancelled:
        if number < arguments["to"]:
            ctx.emit(number + 1)
            number += 1
            append_effect(arguments["path"], f"emit {number}")
        elif not arguments.get("stays"):
            return
        time.sleep(arguments.get("seconds", 0.01))
    append_effect(arguments["path"], "told to stop")


@task_function("consume")
def consume(items: list[Any], path: str, gate: str = "", fail_on: Any = None) -> int:
    """Record each item in the effect log ``path``; with ``gate``, wait for that file first."""
    if gate:
        append_effect(path, "wait")
        wait_until(Path(gate).exists, timeout=60, message=f"{gate} to let a batch be consumed")
    for item in items:
        append_effect(path, str(item))
    if fail_on in items:
        raise RuntimeError(f"{fail_on} is bad")
    return len(items)
