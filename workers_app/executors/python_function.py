"""``run: <name>``: a registered Python function, in a thread of its own.

A thread cannot be ended from outside. At a timeout or a cancellation the
function is told by ``ctx.cancelled``; if it does not stop within a short grace
it is abandoned: it may go on for a while, but whatever it returns or reports is
refused, since its claim is gone. The record says which of the two happened.

A coroutine can be ended: what has not stopped after half the grace is cancelled
at its next ``await``.
"""

import asyncio
import inspect
import threading
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from django.db import connections

from cpds.base import clock
from tasks_app.outcomes import JSON, Completed, Failed, Interrupted, Outcome
from workers_app.errors import StreamEnded
from workers_app.executors.contract import ArgumentProblem, Call
from workers_app.executors.function_context import FunctionContext
from workers_app.functions import CONTEXT, TaskFunction

GRACE_SECONDS: Final = 1.0
"""How long a function that was told to stop may take to do so; half of it by itself, if it is a coroutine."""


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
        self.running: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None

    def outcome(self) -> Outcome:
        self.call.cancellation.on_request(self.settled.set)
        threading.Thread(target=self._perform, name=f"task-{self.call.task_id}", daemon=True).start()
        started = clock.monotonic()
        self.settled.wait(self.call.timeout_seconds)
        if self.result is not None and not self.call.cancellation.requested:
            return self.result
        self.stopped.set()
        has_stopped = self.ended.wait(GRACE_SECONDS / 2) or self._cancelled_at_its_next_await()
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

    def _cancelled_at_its_next_await(self) -> bool:
        """Cancel the coroutine, if it is one; return whether the function ended within its grace."""
        if self.running is not None:
            loop, task = self.running
            with suppress(RuntimeError):  # it has ended, and its loop is closed
                loop.call_soon_threadsafe(task.cancel)
        return self.ended.wait(GRACE_SECONDS / 2)

    def _perform(self) -> None:
        try:
            self.result = self._call()
        finally:
            self.context.close()
            connections.close_all()
            self.ended.set()
            self.settled.set()

    def _call(self) -> Outcome | None:
        """Return how the function ended; None when it was cancelled because it did not stop when told."""
        arguments: dict[str, Any] = dict(self.call.arguments) if self.function.takes_keywords else {}
        if self.function.takes_context:
            arguments[CONTEXT] = self.context
        try:
            return Completed(output=self._result_with(arguments))
        except StreamEnded:
            return Completed(output=None)
        except BaseException as error:  # SystemExit and CancelledError too: the thread is the attempt
            if isinstance(error, asyncio.CancelledError) and self.stopped.is_set():
                return None
            return Failed(
                kind="exception",
                message=f"{type(error).__name__}: {_text_of(error)}",
                retryable=True,
                detail={"exception": type(error).__name__},
            )

    def _result_with(self, arguments: Mapping[str, Any]) -> Any:
        if inspect.iscoroutinefunction(self.function.call):
            return asyncio.run(self._awaited(self.function.call(**arguments)))
        return self.function.call(**arguments)

    async def _awaited(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        task = asyncio.current_task()
        if task is not None:
            self.running = asyncio.get_running_loop(), task
        return await coroutine


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "(its text cannot be read)"
