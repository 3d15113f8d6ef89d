"""Run one command under a guardian, feed it, read it, and tell how it ended."""

import contextlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from workers_app.executors.cancellation import Cancellation
from workers_app.executors.processes.conversation import GUARDIAN_SECONDS, Conversation
from workers_app.executors.processes.orphans import MARK, kill_marked
from workers_app.executors.processes.running import Leash

_GUARDIAN: Final = str(Path(__file__).with_name("guardian.py"))


class Ending(StrEnum):
    """How a command ended."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    UNSTARTABLE = "unstartable"
    TIMED_OUT = "timed_out"
    STOPPED = "stopped"
    LOST = "lost"


@dataclass(frozen=True, kw_only=True)
class Command:
    """What to run: ``env`` is the whole environment, not additions to the worker's."""

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    stdin: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a command may use. ``contained`` asks for a PID namespace where the kernel gives one."""

    timeout_seconds: float | None = None
    kept_bytes: int = 1 << 20
    contained: bool = True


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A command that is over, and everything it started with it.

    ``number`` is the exit code, the signal, or the errno that kept it from
    starting; ``reason`` says why it was stopped.
    """

    ending: Ending
    number: int = 0
    reason: str = ""
    stdout: str = ""
    stderr: str = ""
    truncated: bool = False


def run_command(command: Command, *, limits: Limits, cancellation: Cancellation) -> Finished:
    """Run ``command`` and return when all it started is gone.

    Outputs longer than the limit lose their middle. What still runs when the
    main process has exited is killed, so nothing can hold the call open.
    """
    until = None if limits.timeout_seconds is None else time.monotonic() + limits.timeout_seconds
    mark = uuid.uuid4().hex
    with Leash() as leash, contextlib.ExitStack() as stack:
        status, status_write = os.pipe()
        stack.callback(os.close, status)
        try:
            guardian = _start(command, limits, leash=leash, status=status_write, mark=mark)
        except OSError as error:
            return Finished(ending=Ending.UNSTARTABLE, number=error.errno or 0)
        finally:
            os.close(status_write)
        # Leaving by an exception (a soft time limit, say) must not leave a command behind.
        stack.callback(_end, guardian, leash, mark)
        cancellation.on_request(lambda: leash.let_go(cancellation.reason))
        with Conversation(
            guardian, status=status, leash=leash, stdin=command.stdin, kept_bytes=limits.kept_bytes
        ) as talk:
            talk.hold(until=until)
            stopped = leash.released
            _end(guardian, leash, mark)
            talk.drain()
        return _finished(talk, leash, stopped=stopped)


def _start(
    command: Command, limits: Limits, *, leash: Leash, status: int, mark: str
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [
            *(sys.executable, "-I", "-S", _GUARDIAN, str(leash.control), str(status)),
            "contained" if limits.contained else "bare",
            *command.argv,
        ],
        cwd=command.cwd,
        env={**command.env, MARK: mark},
        stdin=subprocess.DEVNULL if command.stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        pass_fds=(leash.control, status),
        start_new_session=True,
    )


def _end(guardian: "subprocess.Popen[bytes]", leash: Leash, mark: str) -> None:
    """Have the guardian end the command, and do its work where it cannot."""
    leash.let_go("the worker was interrupted")
    try:
        done = guardian.wait(GUARDIAN_SECONDS) == 0
    except subprocess.TimeoutExpired:
        guardian.kill()
        guardian.wait()
        done = False
    if not done:
        kill_marked(mark)


def _finished(talk: Conversation, leash: Leash, *, stopped: bool) -> Finished:
    ending, number = _ending(talk.verdict.decode("ascii").split("\n"))
    if ending is Ending.STOPPED or (ending is Ending.LOST and stopped):
        ending = Ending.TIMED_OUT if leash.timed_out else Ending.STOPPED
        # A guardian told to stop by nobody here was sent a signal from outside.
        if not stopped:
            ending = Ending.LOST
    return Finished(
        ending=ending,
        number=number,
        reason=leash.reason if ending is Ending.STOPPED else "",
        stdout=talk.stdout.text(),
        stderr=talk.stderr.text(),
        truncated=talk.stdout.truncated or talk.stderr.truncated,
    )


def _ending(verdict: Sequence[str]) -> tuple[Ending, int]:
    """Read the guardian's lines: the first one says what came first, and that decides."""
    word, _, number = verdict[0].partition(" ")
    match word:
        case "exit":
            return Ending.EXITED, int(number)
        case "signal":
            return Ending.SIGNALLED, int(number)
        case "unstartable":
            return Ending.UNSTARTABLE, int(number)
        case "stopped":
            return Ending.STOPPED, 0
        case _:
            return Ending.LOST, 0
