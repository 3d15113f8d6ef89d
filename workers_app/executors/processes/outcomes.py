"""What a command that is over amounts to, for whoever ran it."""

import errno
import os
import signal
from pathlib import PurePosixPath
from typing import Final

from tasks_app.outcomes import JSON, Completed, Failed, Interrupted, Outcome
from workers_app.executors.cancellation import Cancellation
from workers_app.executors.processes.command import Command, Ending, Finished, Limits, run_command

_NOT_FOUND: Final = frozenset({errno.ENOENT, errno.ENOTDIR})
_NOT_EXECUTABLE: Final = frozenset(
    {errno.EACCES, errno.EPERM, errno.ENOEXEC, errno.EISDIR, errno.ELOOP, errno.ELIBBAD, errno.EINVAL}
)
_SHOWN_CHARACTERS: Final = 300


def perform_command(command: Command, *, limits: Limits, cancellation: Cancellation) -> Outcome:
    """Run ``command`` and return how it went when all it started is gone.

    The output, of a failure too unless it could not start, has ``exit_code`` (None when
    it did not exit), ``stdout``, ``stderr`` and ``truncated``.
    """
    finished = run_command(command, limits=limits, cancellation=cancellation)
    program = command.argv[0]
    name = PurePosixPath(program).name[:80] or program[:80]
    if finished.ending is Ending.STOPPED:
        return Interrupted(reason=finished.reason)
    if finished.ending is Ending.UNSTARTABLE:
        return _unstartable(finished.number, name)
    exit_code = finished.number if finished.ending is Ending.EXITED else None
    output: dict[str, JSON] = {
        "exit_code": exit_code,
        "stdout": finished.stdout,
        "stderr": finished.stderr,
        "truncated": finished.truncated,
    }
    if exit_code == 0:
        return Completed(output=output)
    kind, what, detail = _failure(finished, limits.timeout_seconds)
    last = next((line.strip() for line in reversed(finished.stderr.splitlines()) if line.strip()), "")
    message = f"{name} {what}: {last[:_SHOWN_CHARACTERS]}" if last else f"{name} {what}"
    return Failed(kind=kind, message=message, retryable=True, detail=detail, output=output)


def _failure(finished: Finished, timeout_seconds: float | None) -> tuple[str, str, dict[str, JSON]]:
    """Return the kind, what happened in words, and the facts."""
    number = finished.number
    match finished.ending:
        case Ending.EXITED:
            return "exit_code", f"exited with code {number}", {"exit_code": number}
        case Ending.SIGNALLED:
            return "signal", f"was killed by {_signal(number)}", {"signal": number}
        case Ending.TIMED_OUT:
            what = f"was still running after {timeout_seconds:g} seconds and was ended"
            return "timeout", what, {"timeout_seconds": timeout_seconds}
    return "guardian_lost", "was ended because the process that guards it was killed", {}


def _unstartable(number: int, name: str) -> Failed:
    if number == errno.E2BIG:
        message = "argv, env: expected fewer or shorter texts than the system takes for one program"
        return Failed(kind="bad_input", message=message)
    if number in _NOT_FOUND:
        return Failed(
            kind="missing_program",
            message=f"{name} was not found, or the interpreter its first line names was not",
            detail={"program": name, "reason": "not_found"},
        )
    if number in _NOT_EXECUTABLE:
        return Failed(
            kind="missing_program",
            message=f"{name} cannot be executed ({os.strerror(number).lower()})",
            detail={"program": name, "reason": "not_executable"},
        )
    return Failed(
        kind="unstartable",
        message=f"{name} could not be started ({os.strerror(number).lower()})",
        retryable=True,
        detail={"program": name, "errno": number},
    )


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
