"""CPDS's own executors as tools: they are told of an attempt what they need, and say how it went."""

from collections.abc import Callable, Mapping
from typing import NoReturn

from tasks_app.outcomes import JSON, Outcome
from workers_app.executors.contract import Call, Executor
from workers_app.executors.performing import outcome_of
from workers_app.sdk.context import Context


class ExecutorTool:
    """Has an executor perform tasks. ``arguments`` makes its ``with`` of what the task is."""

    def __init__(self, executor: Executor, *, arguments: Callable[[Context], Mapping[str, JSON]]) -> None:
        self._executor = executor
        self._arguments = arguments

    def __call__(self, context: Context) -> Outcome:
        """Perform a task."""
        return outcome_of(
            lambda: self._executor.execute(_call(context, self._arguments(context))),
            executor=self._executor.name,
            task_id=context.task["id"],
        )


def _call(context: Context, arguments: Mapping[str, JSON]) -> Call:
    claim = context.claim
    return Call(
        task_id=claim.task["id"],
        task_name=claim.task["name"],
        instance_id=claim.task.get("instance_id") or "",
        attempt=claim.attempt,
        idempotency_key=claim.idempotency_key,
        arguments=arguments,
        params={},
        workspace=context.workspace,
        timeout_seconds=claim.timeout_seconds,
        cancellation=context.stopping,
        upstream=_not_here,
        progress=context.progress,
        log=context.log,
    )


def _not_here(name: str) -> NoReturn:
    raise LookupError(f"a worker over HTTP cannot read the output of {name!r}: pass it by `with`")
