"""What follows from what happened. Pure: decisions are values, services act on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from tasks_app.outcomes import JSON, Completed, Failed, Interrupted, Outcome
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


Decision: TypeAlias = Finish | HandBack


def decide(outcome: Outcome) -> Decision:
    """Return what follows from an attempt's outcome."""
    match outcome:
        case Completed():
            return Finish(state=TaskState.COMPLETED, record=RecordState.COMPLETED, output=outcome.output)
        case Failed():
            return Finish(
                state=TaskState.FAILED,
                record=RecordState.FAILED,
                output=outcome.output,
                error_kind=outcome.kind,
                error_message=outcome.message,
                error_detail=outcome.detail,
            )
        case Interrupted():
            return HandBack(reason=outcome.reason)


def is_poisonous(*, losses: int, limit: int) -> bool:
    """Return whether a task has cost so many workers that it must not start again."""
    return losses >= limit


def instance_end(counts: Mapping[TaskState, int]) -> InstanceState | None:
    """Return the state an instance ends in, given how many tasks are in each state; None: it goes on."""
    if any(counts.get(state) for state in TASK_UNFINISHED):
        return None
    if counts.get(TaskState.FAILED):
        return InstanceState.FAILED
    if counts.get(TaskState.CANCELLED):
        return InstanceState.CANCELLED
    return InstanceState.COMPLETED
