"""The status words that documented clients know; ``state`` beside them is the record's own word."""

from collections.abc import Collection
from typing import Final, get_args

from tasks_app.states import InstanceState, TaskState, WaitKind
from tasks_app.status_words import INSTANCE_WORDS, InstanceStatus, TaskStatus, task_words

STATUSES: Final[tuple[InstanceStatus, ...]] = get_args(InstanceStatus)
STATES: Final = tuple(state.value for state in InstanceState)
TASK_STATUSES: Final[tuple[TaskStatus, ...]] = get_args(TaskStatus)
TASK_STATES: Final = tuple(state.value for state in TaskState)


def instance_word(state: str) -> InstanceStatus:
    """Return the status word of an instance."""
    return INSTANCE_WORDS[InstanceState(state)].api


def states_called(word: str) -> Collection[InstanceState]:
    """Return the states of instances behind a status word, or the one that is called so itself."""
    return [state for state, words in INSTANCE_WORDS.items() if word in {words.api, state.value}]


def task_word(state: str, *, satisfies: bool | None, wait_kind: str) -> TaskStatus:
    """Return the status word of a task, which fits how its instance's progress counts it.

    One that waits for a person is paused.
    """
    if state == TaskState.WAITING and wait_kind == WaitKind.APPROVAL:
        return "Paused"
    return task_words(state, satisfies=satisfies).api
