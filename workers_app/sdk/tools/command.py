"""Any command-line agent as a tool: a program started for each task, never by way of a shell.

What it starts ends with it: on success, on a timeout, when the task is cancelled, and
when the worker itself dies, however it dies.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tasks_app.outcomes import Completed, Failed, Outcome, Report
from workers_app.executors.performing import outcome_of
from workers_app.executors.processes import Command, Limits, perform_command
from workers_app.sdk.context import Context
from workers_app.sdk.tools.output import OutputFormat, read_output

KEPT_BYTES: Final = 1 << 20
LOGGED_LINES: Final = 100
TOLD_CHARACTERS: Final = 4000
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

    def __call__(self, context: Context) -> Outcome:
        """Perform a task.

        :raises TaskFailed: when the command printed what ``output`` does not allow.
        """
        outcome = outcome_of(lambda: self._run(context), executor="command", task_id=context.task["id"])
        match outcome:
            case Completed(output=printed):
                _log(context, printed)
                output = read_output(printed["stdout"], form=self._output)
                return Completed(output=output, report=_report(context, printed))
            case Failed(output={} as printed):
                _log(context, printed)
                # The protocol has no output of what failed: the ends of it are told as facts.
                ends = {name: printed[name][-TOLD_CHARACTERS:] for name in ("stderr", "stdout")}
                return replace(outcome, detail={**outcome.detail, **ends}, report=_report(context, printed))
        return outcome

    def _run(self, context: Context) -> Outcome:
        command = Command(argv=self._filled(context), cwd=context.workspace, env=self._env())
        limits = Limits(timeout_seconds=self._timeout_seconds, kept_bytes=self._kept_bytes)
        return perform_command(command, limits=limits, cancellation=context.stopping)

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


def _log(context: Context, printed: Mapping[str, Any]) -> None:
    lines = [line for line in printed["stderr"].splitlines() if line.strip()]
    if lines and not context.cancelled:
        context.log(*lines[-LOGGED_LINES:])


def _report(context: Context, printed: Mapping[str, Any]) -> Report:
    return Report(prompt=context.prompt, metadata={"truncated": printed["truncated"]})


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
