"""``run: <name>``: a registered Python function, in a thread of its own.

A thread cannot be ended from outside. At a timeout or a cancellation the
function is told by ``ctx.cancelled``; if it does not stop within a short grace
it is abandoned: it may go on for a while, but whatever it returns or reports is
refused, since its claim is gone. The record says which of the two happened.
"""

import asyncio
import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from django.db import connections

from cpds.base import clock
from tasks_app.outcomes import JSON, Completed, Failed, Interrupted, LastBatch, Outcome
from workers_app.errors import NotContinuous, StreamEnded
from workers_app.executors.contract import ArgumentProblem, Call
from workers_app.functions import CONTEXT, TaskFunction, find_service

GRACE_SECONDS: Final = 1.0
"""How long a function that was told to stop may take to do so."""


class FunctionContext:
    """What a task function sees of CPDS."""

    def __init__(self, call: Call, stopped: threading.Event) -> None:
        self._call = call
        self._stopped = stopped
        self.arguments: Mapping[str, JSON] = call.arguments
        self.params: Mapping[str, JSON] = call.params
        self.task_name = call.task_name
        self.instance_id = call.instance_id
        self.attempt = call.attempt
        self.idempotency_key = call.idempotency_key
        self.workspace = call.workspace
        self.was_told = False
        """Whether the function has asked and heard that it is to stop: its result is then no result."""

    @property
    def cancelled(self) -> bool:
        """Whether to stop: cancelled, out of time, or the claim is lost."""
        stream = self._call.stream
        self.was_told = self.was_told or self._is_over() or (stream is not None and stream.is_ending)
        return self.was_told

    @property
    def last_batch(self) -> LastBatch | None:
        """What a continuous task handed on last, before this attempt; None when it is the first."""
        return None if self._call.stream is None else self._call.stream.last_batch

    def emit(self, item: JSON) -> None:
        """Hand an item on to the tasks that need this one; wait while they are too far behind.

        :raises StreamEnded: when the task was told to stop; the item was not taken.
        :raises BadItem: when it is not JSON, or too large.
        :raises NotContinuous: when the task is not ``mode: continuous``.
        """
        if self._call.stream is None:
            raise NotContinuous(task=self._call.task_name)
        if self._stopped.is_set():
            raise StreamEnded(task=self._call.task_name, reason="it ran out of time or was told to stop")
        self._call.stream.emit(item)

    def upstream(self, name: str) -> JSON:
        """Return the output of a task this one depends on, directly or not.

        :raises LookupError: when it does not.
        """
        return self._call.upstream(name)

    def service(self, name: str) -> Any:
        """Return the service registered under ``name`` in the settings.

        :raises UnknownService: when there is none.
        """
        return find_service(name)

    def progress(self, fraction: float, message: str = "") -> None:
        """Say how far the work is, 0 to 1."""
        if not self._is_over():
            self._call.progress(fraction, str(message))

    def log(self, message: str) -> None:
        """Add a line to the instance's log."""
        if not self._is_over():
            self._call.log(str(message))

    def _is_over(self) -> bool:
        return self._stopped.is_set() or self._call.cancellation.requested


class PythonFunction:
    """The executor of one registered function."""

    def __init__(self, function: TaskFunction) -> None:
        self.function = function
        self.name = function.name

    def check_arguments(
        self, arguments: Mapping[str, JSON], *, templated: frozenset[str]
    ) -> Sequence[ArgumentProblem]:
        """Return which arguments the function does not take, or misses."""
        del templated
        allowed = self.function.allowed
        expected = "any" if allowed is None else ", ".join(sorted(allowed)) or "none"
        unknown = [
            ArgumentProblem(
                field=name, message=f"{self.name} takes no {name!r}", hint=f"it takes: {expected}"
            )
            for name in arguments
            if allowed is not None and name not in allowed
        ]
        missing = [
            ArgumentProblem(field=name, message=f"{self.name} needs {name!r}", hint=f"it takes: {expected}")
            for name in sorted(self.function.required - arguments.keys())
        ]
        return [*unknown, *missing]

    def execute(self, call: Call) -> Outcome:
        """Call the function and wait for it, the timeout, or the cancellation."""
        problems = self.check_arguments(call.arguments, templated=frozenset())
        if problems:
            return Failed(kind="bad_input", message="; ".join(each.message for each in problems))
        run = _Run(self.function, call)
        return run.outcome()


class _Run:
    """One call of a function in its thread."""

    def __init__(self, function: TaskFunction, call: Call) -> None:
        self.function = function
        self.call = call
        self.stopped = threading.Event()
        self.settled = threading.Event()
        self.ended = threading.Event()
        self.result: Outcome | None = None
        self.context = FunctionContext(call, self.stopped)

    def outcome(self) -> Outcome:
        self.call.cancellation.on_request(self.settled.set)
        threading.Thread(target=self._perform, name=f"task-{self.call.task_id}", daemon=True).start()
        started = clock.monotonic()
        self.settled.wait(self.call.timeout_seconds)
        if self.result is not None and not self.call.cancellation.requested:
            return self.result
        self.stopped.set()
        has_stopped = self.ended.wait(GRACE_SECONDS)
        how = "it stopped when told" if has_stopped else "it did not stop when told and was abandoned"
        if self.call.cancellation.requested:
            if self.result is not None and not self.context.was_told:
                return self.result
            return Interrupted(reason=f"{self.call.cancellation.reason}; {how}")
        seconds = clock.monotonic() - started
        return Failed(
            kind="timeout",
            message=f"The function ran out of time ({self.call.timeout_seconds:g} s); {how}.",
            retryable=True,
            detail={"stopped": has_stopped, "seconds": round(seconds, 3)},
        )

    def _perform(self) -> None:
        try:
            self.result = self._call()
        finally:
            connections.close_all()
            self.ended.set()
            self.settled.set()

    def _call(self) -> Outcome:
        arguments: dict[str, Any] = dict(self.call.arguments) if self.function.takes_keywords else {}
        if self.function.takes_context:
            arguments[CONTEXT] = self.context
        try:
            return Completed(output=_result_of(self.function.call, arguments))
        except StreamEnded:
            return Completed(output=None)
        except BaseException as error:  # SystemExit and CancelledError too: the thread is the attempt
            return Failed(
                kind="exception",
                message=f"{type(error).__name__}: {_text_of(error)}",
                retryable=True,
                detail={"exception": type(error).__name__},
            )


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "(its text cannot be read)"


def _result_of(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    if inspect.iscoroutinefunction(function):
        return asyncio.run(function(**arguments))
    return function(**arguments)
