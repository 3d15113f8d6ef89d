"""Words for states: people read ``Success``, programs ``completed``; both may be typed."""

from typing import Final

from rich.text import Text

from tasks_app.cli.errors import UnknownStatus
from tasks_app.states import InstanceState, TaskState

INSTANCE_WORDS: Final = {
    **{state: state.value.capitalize() for state in InstanceState},
    InstanceState.PENDING: "Ready",
    InstanceState.COMPLETED: "Success",
    InstanceState.CANCELLED: "Terminated",
}
TASK_WORDS: Final = {
    **{state: state.value.capitalize() for state in TaskState},
    TaskState.COMPLETED: "Success",
}
# Each is two columns wide in every terminal, which symbols with a variation selector are not.
SYMBOLS: Final = {
    TaskState.PENDING: "⏳",
    TaskState.QUEUED: "⏳",
    TaskState.RUNNING: "🔄",
    TaskState.WAITING: "⏰",
    TaskState.COMPLETED: "✅",
    TaskState.FAILED: "❌",
    TaskState.CANCELLED: "🛑",
    TaskState.SKIPPED: "⏩",
    TaskState.COMPENSATING: "⏪",
    TaskState.COMPENSATED: "⏪",
}
STYLES: Final = {
    "completed": "green",
    "failed": "red",
    "cancelled": "yellow",
    "paused": "yellow",
    "running": "cyan",
    "compensating": "cyan",
    "skipped": "dim",
}


def instance_word(status: str) -> Text:
    """Return an instance's state for people, in its colour."""
    return Text(INSTANCE_WORDS[InstanceState(status)], style=STYLES.get(status, ""))


def task_word(status: str) -> Text:
    """Return a task's state for people, in its colour."""
    return Text(TASK_WORDS[TaskState(status)], style=STYLES.get(status, ""))


def symbol(status: str) -> str:
    """Return the symbol of a task's state."""
    return SYMBOLS[TaskState(status)]


def read_instance_status(given: str) -> InstanceState:
    """Return the state that a person or a program named, in either vocabulary and any case.

    :raises UnknownStatus: when there is none of that name; the error lists all.
    """
    wanted = given.strip().casefold()
    for state, word in INSTANCE_WORDS.items():
        if wanted in {state.value, word.casefold()}:
            return state
    raise UnknownStatus(given=given, allowed=", ".join(map(_both_words, InstanceState)))


def read_task_status(given: str) -> TaskState:
    """Return the state of a task that was named, in either vocabulary and any case.

    :raises UnknownStatus: when there is none of that name; the error lists all.
    """
    wanted = given.strip().casefold()
    for state, word in TASK_WORDS.items():
        if wanted in {state.value, word.casefold()}:
            return state
    raise UnknownStatus(given=given, allowed=", ".join(TASK_WORDS[state] for state in TaskState))


def _both_words(state: InstanceState) -> str:
    word = INSTANCE_WORDS[state]
    return word if word.casefold() == state.value else f"{word} ({state.value})"
