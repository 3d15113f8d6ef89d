"""Any command-line agent as a tool: a program started for each task, never by way of a shell.

What it starts ends with it: on success, on a timeout, when the task is cancelled, and
when the worker itself dies, however it dies.
"""

import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from workers_app.executors.processes import Command, Ending, Finished, Limits, run_command
from workers_app.sdk.attempt import Result
from workers_app.sdk.context import Context
from workers_app.sdk.errors import Stopped, TaskFailed
from workers_app.sdk.tools.output import OutputFormat, read_output

KEPT_BYTES: Final = 1 << 20
LOGGED_LINES: Final = 100
SHOWN_CHARACTERS: Final = 300
WITHHELD: Final = "CPDS_"
"""Variables that begin so are the worker's own, its token among them, and are not passed on."""


class CommandTool:
    """Runs ``argv`` for a task and returns what it printed.

    In each word of ``argv`` ``{prompt}`` stands for what the agent is to be told,
    ``{prompt_file}`` for a file that holds it, ``{task_file}`` for one that holds the
    task and its arguments as JSON, and ``{workspace}`` for the directory the command
    runs in, which is gone afterwards. Other braces stay as they are.

    :param timeout_seconds: the longest it may take, beside the task's own limit.
    :param environment: added to the worker's environment, without what begins with ``CPDS_``.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        timeout_seconds: float | None = None,
        output: OutputFormat = OutputFormat.AUTO,
        environment: Mapping[str, str] | None = None,
        kept_bytes: int = KEPT_BYTES,
    ) -> None:
        if not argv:
            raise ValueError("expected a command")
        self._argv = list(argv)
        self._timeout_seconds = timeout_seconds
        self._output = output
        self._environment = dict(environment or {})
        self._kept_bytes = kept_bytes

    def __call__(self, context: Context) -> Result:
        """Perform a task.

        :raises TaskFailed: when the command could not be started, failed, or took too long.
        :raises Stopped: when the attempt was told to stop.
        """
        command = Command(argv=self._filled(context), cwd=context.workspace, env=self._env())
        limits = Limits(timeout_seconds=self._timeout_seconds, kept_bytes=self._kept_bytes)
        finished = run_command(command, limits=limits, cancellation=context.stopping)
        self._log(context, finished)
        if finished.ending is Ending.STOPPED:
            raise Stopped(finished.reason)
        if finished.ending is not Ending.EXITED or finished.number != 0:
            raise self._failure(finished)
        return Result(
            output=read_output(finished.stdout, form=self._output),
            report={"prompt": context.prompt, "metadata": {"truncated": finished.truncated}},
        )

    def _filled(self, context: Context) -> list[str]:
        makers: dict[str, Callable[[], str]] = {
            "{prompt_file}": lambda: _written(context.workspace / "prompt.txt", context.prompt),
            "{task_file}": lambda: _written(context.workspace / "task.json", _task_text(context)),
            "{workspace}": lambda: str(context.workspace),
            "{prompt}": lambda: context.prompt.replace("\0", ""),
        }
        values = {name: make() for name, make in makers.items() if any(name in word for word in self._argv)}
        return [_replaced(word, values) for word in self._argv]

    def _env(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(WITHHELD)}
        return {**own, **self._environment}

    def _log(self, context: Context, finished: Finished) -> None:
        lines = [line for line in finished.stderr.splitlines() if line.strip()]
        if lines and not context.cancelled:
            context.log(*lines[-LOGGED_LINES:])

    def _failure(self, finished: Finished) -> TaskFailed:
        name = Path(self._argv[0]).name
        last = next((line.strip() for line in reversed(finished.stderr.splitlines()) if line.strip()), "")
        said = f": {last[:SHOWN_CHARACTERS]}" if last else "."
        detail: dict[str, Any] = {"stderr": finished.stderr[-4000:], "stdout": finished.stdout[-4000:]}
        number = finished.number
        match finished.ending:
            case Ending.UNSTARTABLE:
                message = f"{name} could not be started ({os.strerror(number).lower()})."
                return TaskFailed(message, kind="missing_program", retryable=False, detail={"errno": number})
            case Ending.TIMED_OUT:
                message = f"{name} was still running after {self._timeout_seconds:g} s and was ended{said}"
                return TaskFailed(message, kind="timeout", detail=detail)
            case Ending.SIGNALLED:
                message = f"{name} was killed by {_signal(number)}{said}"
                return TaskFailed(message, kind="signal", detail={**detail, "signal": number})
            case Ending.EXITED:
                message = f"{name} exited with code {number}{said}"
                return TaskFailed(message, kind="exit_code", detail={**detail, "exit_code": number})
        return TaskFailed(f"{name} was ended from outside.", kind="guardian_lost", detail=detail)


def _replaced(word: str, values: Mapping[str, str]) -> str:
    """Return a word with its placeholders filled in, from the left; what is filled in is not looked at."""
    for name, value in values.items():
        before, found, after = word.partition(name)
        if found:
            return _replaced(before, values) + value + _replaced(after, values)
    return word


def _written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8", errors="replace")
    return str(path)


def _task_text(context: Context) -> str:
    return json.dumps({"task": dict(context.task), "arguments": dict(context.arguments)}, ensure_ascii=False)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
