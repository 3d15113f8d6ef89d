"""The status words that documented clients know; ``state`` beside them is the record's own word."""

from collections.abc import Collection
from typing import Final

from tasks_app.states import InstanceState, TaskState, WaitKind

INSTANCE_WORDS: Final = {
    InstanceState.PENDING: "Ready",
    InstanceState.RUNNING: "Running",
    InstanceState.PAUSED: "Paused",
    InstanceState.COMPLETED: "Success",
    InstanceState.FAILED: "Failed",
    InstanceState.CANCELLED: "Terminated",
    # Undone, or about to be: those who know no such word are told that it did not succeed.
    InstanceState.COMPENSATING: "Failed",
    InstanceState.COMPENSATED: "Failed",
}
STATUSES: Final = tuple(dict.fromkeys(INSTANCE_WORDS.values()))
STATES: Final = tuple(state.value for state in InstanceState)
TASK_STATUSES: Final = ("Pending", "Running", "Paused", "Success", "Failed", "Cancelled")
TASK_STATES: Final = tuple(state.value for state in TaskState)
_TASK_WORDS: Final = {
    TaskState.PENDING: "Pending",
    TaskState.QUEUED: "Pending",
    TaskState.RUNNING: "Running",
    TaskState.WAITING: "Pending",
    TaskState.COMPLETED: "Success",
    TaskState.FAILED: "Failed",
    TaskState.CANCELLED: "Cancelled",
    TaskState.SKIPPED: "Failed",
    TaskState.COMPENSATING: "Running",
    TaskState.COMPENSATED: "Success",
}


def instance_word(state: str) -> str:
    """Return the status word of an instance."""
    return INSTANCE_WORDS[InstanceState(state)]


def states_called(word: str) -> Collection[InstanceState]:
    """Return the states of instances behind a status word, or the one that is called so itself."""
    return [state for state, name in INSTANCE_WORDS.items() if word in {name, state.value}]


def task_word(state: str, *, satisfies: bool | None, wait_kind: str) -> str:
    """Return the status word of a task, which fits how its instance's progress counts it.

    One that was not needed is as good as done; one that waits for a person is paused.
    """
    if state == TaskState.SKIPPED and satisfies:
        return _TASK_WORDS[TaskState.COMPLETED]
    if state == TaskState.WAITING and wait_kind == WaitKind.APPROVAL:
        return "Paused"
    return _TASK_WORDS[TaskState(state)]
