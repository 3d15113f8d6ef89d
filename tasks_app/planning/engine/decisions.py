"""What follows from what happened. Pure: decisions are values, services act on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from tasks_app.outcomes import JSON, Completed, Failed, Interrupted, Outcome
from tasks_app.planning.engine.retrying import RetryPolicy, retry_wait
from tasks_app.states import TASK_UNFINISHED, InstanceState, RecordState, TaskState


@dataclass(frozen=True, kw_only=True)
class Finish:
    """The task is over, in ``state``; its record closes as ``record``."""

    state: TaskState
    record: RecordState
    output: JSON = None
    error_kind: str = ""
    error_message: str = ""
    error_detail: dict[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class HandBack:
    """The task is ready again at once, for any worker; nothing counts against it."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class TryAgain:
    """The attempt failed, and another follows in ``seconds``; until then the task waits and holds no slot."""

    seconds: float
    failure: Finish


Decision: TypeAlias = Finish | HandBack | TryAgain


def decide(outcome: Outcome, *, policy: RetryPolicy | None, failures: int, chance: float) -> Decision:
    """Return what follows from an attempt's outcome.

    ``failures`` counts the task's earlier failed attempts; ``chance`` is a random
    number from 0 to 1, for the jitter.
    """
    match outcome:
        case Completed():
            return Finish(state=TaskState.COMPLETED, record=RecordState.COMPLETED, output=outcome.output)
        case Failed():
            failure = Finish(
                state=TaskState.FAILED,
                record=RecordState.FAILED,
                output=outcome.output,
                error_kind=outcome.kind,
                error_message=outcome.message,
                error_detail=outcome.detail,
            )
            wait = retry_wait(policy=policy, failed=outcome, failures=failures + 1, chance=chance)
            return failure if wait is None else TryAgain(seconds=wait, failure=failure)
        case Interrupted():
            return HandBack(reason=outcome.reason)


def is_poisonous(*, losses: int, limit: int) -> bool:
    """Return whether a task has cost so many workers that it must not start again."""
    return losses >= limit


def instance_end(
    counts: Mapping[TaskState, int], *, allowed_failures: int = 0, is_stopping: bool = False
) -> InstanceState | None:
    """Return the state an instance ends in, given how many tasks are in each state; None: it goes on.

    ``allowed_failures`` of the failed tasks were allowed to fail. ``is_stopping``:
    somebody cancelled it and let finish what ran.
    """
    if any(counts.get(state) for state in TASK_UNFINISHED):
        return None
    if is_stopping:
        return InstanceState.CANCELLED
    if counts.get(TaskState.FAILED, 0) > allowed_failures:
        return InstanceState.FAILED
    if counts.get(TaskState.CANCELLED):
        return InstanceState.CANCELLED
    return InstanceState.COMPLETED
