"""What follows from what happened or was asked. Pure: decisions are values, services act on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, TypeAlias

from tasks_app.outcomes import JSON, Completed, Failed, Interrupted, Outcome
from tasks_app.planning.engine.retrying import RetryPolicy, retry_wait
from tasks_app.states import TASK_UNFINISHED, TASK_UNSTARTED, InstanceState, OnFailure, RecordState, TaskState


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
    record: RecordState = RecordState.INTERRUPTED


@dataclass(frozen=True, kw_only=True)
class TryAgain:
    """The attempt failed, and another follows in ``seconds``; until then the task waits and holds no slot."""

    seconds: float
    failure: Finish

    @property
    def record(self) -> RecordState:
        """As what the attempt's record closes."""
        return self.failure.record


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


STOPPABLE: Final = frozenset({InstanceState.PENDING, InstanceState.RUNNING, InstanceState.PAUSED})
"""Pending: one that was retried waits for its turn."""
_STEERED: Final = frozenset({InstanceState.RUNNING, InstanceState.PAUSED})


class Cancel(Enum):
    """What cancelling an instance or a task comes to."""

    NOTHING = auto()
    """It was done before."""
    STOP = auto()
    """Stop what runs, and end as cancelled at once."""
    DRAIN = auto()
    """Start nothing new, and end when what runs has ended."""
    GIVE_UP = auto()
    """It failed, and nothing of it runs: just call it cancelled."""
    STOP_AND_UNDO = auto()
    """Stop what runs, and begin to undo what completed."""
    UNDO = auto()
    """It has ended: begin to undo what completed."""
    RESUME_UNDO = auto()
    """Its compensation failed, or was cut short: go on with it."""
    NOTHING_TO_UNDO = auto()
    """It has ended, and nothing that completed says how it is undone: a refusal."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """It may not be cancelled in this ``state``."""

    state: str


def decide_cancel(
    *,
    state: InstanceState,
    drain: bool = False,
    compensate: bool = False,
    has_undos: bool = False,
    is_undoable: bool = False,
) -> Cancel | Refusal:
    """Return what cancelling an instance comes to.

    ``has_undos``: it was being compensated once; ``is_undoable``: something that completed says how
    it is undone. Both count only with ``compensate``.
    """
    if compensate:
        return _decide_undo(state, drain, has_undos, is_undoable)
    match state:
        case InstanceState.RUNNING if drain:
            return Cancel.DRAIN
        case InstanceState.PENDING | InstanceState.RUNNING | InstanceState.PAUSED:
            return Cancel.STOP
        case InstanceState.FAILED:
            return Cancel.GIVE_UP
        case InstanceState.CANCELLED:
            return Cancel.NOTHING
        case InstanceState.COMPLETED | InstanceState.COMPENSATING | InstanceState.COMPENSATED:
            return Refusal(state=state)


def _decide_undo(state: InstanceState, drain: bool, has_undos: bool, is_undoable: bool) -> Cancel | Refusal:
    match state:
        case InstanceState.RUNNING if drain:
            return Cancel.DRAIN
        case InstanceState.PENDING | InstanceState.RUNNING | InstanceState.PAUSED:
            return Cancel.STOP_AND_UNDO if is_undoable else Cancel.STOP
        case InstanceState.FAILED | InstanceState.CANCELLED if has_undos:
            return Cancel.RESUME_UNDO
        case InstanceState.FAILED | InstanceState.CANCELLED:
            return Cancel.UNDO if is_undoable else Cancel.NOTHING_TO_UNDO
        case InstanceState.COMPENSATING | InstanceState.COMPENSATED:
            return Cancel.NOTHING
        case InstanceState.COMPLETED:
            return Refusal(state=state)


def decide_task_cancel(
    *, state: TaskState, is_undo: bool, of_instance: InstanceState | None
) -> Cancel | Refusal:
    """Return what cancelling one task comes to; ``of_instance`` is None when that is gone."""
    if state is TaskState.CANCELLED:
        return Cancel.NOTHING
    if is_undo or not (state in TASK_UNSTARTED or state is TaskState.RUNNING):
        return Refusal(state=state)
    if of_instance not in _STEERED:
        return Refusal(state=f"in an instance that is {of_instance or 'gone'}")
    return Cancel.STOP


def is_to_be_undone(*, end: InstanceState, on_failure: OnFailure, was_asked: bool) -> bool:
    """Return whether an instance that would end as ``end`` is compensated; ``was_asked``: by a person."""
    if end is InstanceState.FAILED:
        return was_asked or on_failure is OnFailure.COMPENSATE
    return end is InstanceState.CANCELLED and was_asked
