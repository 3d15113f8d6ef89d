"""The table of legal moves. It is the specification; ``models.moves`` is its only executor.

Task: ``pending`` (blocked, ready, or planned into a canvas) → ``queued`` (published) → ``running`` (claimed)
→ ``completed`` | ``failed`` | ``cancelled``; ``waiting`` between attempts (a reason and a time);
``skipped`` when a condition or a failure upstream rules it out; ``compensating`` → ``compensated`` in a saga.

``failed``, ``skipped`` and ``cancelled`` go back to ``pending`` only when their instance is retried.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class TaskState(StrEnum):
    """Where a task stands."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    COMPENSATING = "compensating"
    COMPENSATED = "compensated"


class InstanceState(StrEnum):
    """Where an instance stands."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    COMPENSATING = "compensating"
    COMPENSATED = "compensated"


class RecordState(StrEnum):
    """How one attempt stands.

    ``lost``: its worker died or was silent past its lease. ``interrupted``: it
    was stopped from outside and handed back.
    """

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    LOST = "lost"


class JoinMode(StrEnum):
    """What a task needs of its dependencies."""

    ALL = "all"
    ANY = "any"
    ALL_DONE = "all_done"
    AT_LEAST = "at_least"


class Gate(StrEnum):
    """What a ready task has to pass before a worker may claim it, in this order."""

    OPEN = ""
    WHEN = "when"
    APPROVAL = "approval"
    ITEMS = "items"
    BATCHES = "batches"
    WORKFLOW = "workflow"


class WaitKind(StrEnum):
    """What a waiting task waits for."""

    RETRY = "retry"
    APPROVAL = "approval"
    ITEMS = "items"
    BATCHES = "batches"
    WORKFLOW = "workflow"


EXTERNAL: Final = "external"
"""The executor of tasks that wait for a worker that speaks HTTP: they are never published to Celery."""
CHILD_WORKFLOW: Final = "workflow"
"""The executor noted on a task that starts another workflow, which nobody performs."""


class CheckpointState(StrEnum):
    """How a question to a person stands.

    ``expired``: nobody answered in time, so its default counts. ``closed``: its
    task was cancelled or skipped before anybody answered.
    """

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CLOSED = "closed"


class ContractState(StrEnum):
    """How far the interface of a feature is agreed on."""

    DRAFT = "draft"
    APPROVED = "approved"
    IMPLEMENTED = "implemented"


class OnFailure(StrEnum):
    """What an instance does when one of its tasks fails for good."""

    STOP = "stop"
    CONTINUE = "continue"
    COMPENSATE = "compensate"


class Overlap(StrEnum):
    """What a schedule does when it is time and an instance it started has not ended."""

    SKIP = "skip"
    QUEUE = "queue"
    CANCEL_RUNNING = "cancel_running"
    ALLOW = "allow"


class Catchup(StrEnum):
    """Which of the fires that nobody was there for a schedule makes up for."""

    NONE = "none"
    LATEST = "latest"
    ALL = "all"


class FireOutcome(StrEnum):
    """What came of one fire of a schedule.

    ``queued``: its instance waits for the one before. ``missed``: nobody was there
    in time, and the schedule does not make up for it. ``refused``: no instance
    could be made of it.
    """

    FIRED = "fired"
    QUEUED = "queued"
    SKIPPED = "skipped"
    MISSED = "missed"
    REFUSED = "refused"


_T = TaskState
TASK_MOVES: Final[Mapping[TaskState, frozenset[TaskState]]] = {
    # Straight to completed: a rerun shares the results that its origin had before the task it starts from.
    _T.PENDING: frozenset({_T.QUEUED, _T.RUNNING, _T.WAITING, _T.COMPLETED, _T.SKIPPED, _T.CANCELLED}),
    _T.QUEUED: frozenset({_T.PENDING, _T.RUNNING, _T.WAITING, _T.SKIPPED, _T.CANCELLED}),
    _T.RUNNING: frozenset({_T.PENDING, _T.WAITING, _T.COMPLETED, _T.FAILED, _T.CANCELLED}),
    _T.WAITING: frozenset({_T.PENDING, _T.COMPLETED, _T.FAILED, _T.SKIPPED, _T.CANCELLED}),
    _T.COMPLETED: frozenset({_T.COMPENSATING}),
    _T.COMPENSATING: frozenset({_T.COMPENSATED, _T.COMPLETED}),
    _T.COMPENSATED: frozenset(),
    _T.FAILED: frozenset({_T.PENDING}),
    _T.SKIPPED: frozenset({_T.PENDING}),
    _T.CANCELLED: frozenset({_T.PENDING}),
}

_I = InstanceState
INSTANCE_MOVES: Final[Mapping[InstanceState, frozenset[InstanceState]]] = {
    # To compensating: it was retried, waits for its turn, and is undone instead.
    _I.PENDING: frozenset({_I.RUNNING, _I.CANCELLED, _I.COMPENSATING}),
    _I.RUNNING: frozenset({_I.PAUSED, _I.COMPLETED, _I.FAILED, _I.CANCELLED, _I.COMPENSATING}),
    _I.PAUSED: frozenset({_I.RUNNING, _I.FAILED, _I.CANCELLED, _I.COMPENSATING}),
    _I.COMPENSATING: frozenset({_I.COMPENSATED, _I.FAILED}),
    # To cancelled: somebody gives it up, so that it is no longer among what failed and may be retried.
    _I.FAILED: frozenset({_I.PENDING, _I.RUNNING, _I.CANCELLED, _I.COMPENSATING}),
    # What was cancelled may be undone later: cancelling again, with compensation.
    _I.CANCELLED: frozenset({_I.PENDING, _I.RUNNING, _I.COMPENSATING}),
    _I.COMPLETED: frozenset(),
    _I.COMPENSATED: frozenset(),
}

TASK_FINAL: Final = frozenset({_T.COMPLETED, _T.FAILED, _T.CANCELLED, _T.SKIPPED, _T.COMPENSATED})
TASK_UNSTARTED: Final = frozenset({_T.PENDING, _T.QUEUED, _T.WAITING})
TASK_UNFINISHED: Final = frozenset(_T) - TASK_FINAL
INSTANCE_RUNNABLE: Final = frozenset({_I.RUNNING, _I.COMPENSATING})
"""In which tasks may start: forward ones while it runs, undos while it compensates."""
INSTANCE_FINAL: Final = frozenset({_I.COMPLETED, _I.FAILED, _I.CANCELLED, _I.COMPENSATED})
INSTANCE_UNFINISHED: Final = frozenset(_I) - INSTANCE_FINAL


def task_sources(to: TaskState) -> frozenset[TaskState]:
    """Return the states a task may leave for ``to``."""
    return frozenset(state for state, targets in TASK_MOVES.items() if to in targets)


def instance_sources(to: InstanceState) -> frozenset[InstanceState]:
    """Return the states an instance may leave for ``to``."""
    return frozenset(state for state, targets in INSTANCE_MOVES.items() if to in targets)
