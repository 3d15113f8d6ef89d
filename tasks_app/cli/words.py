"""Words for states: people read ``Success``, programs ``completed``; both may be typed."""

from typing import Final

from rich.text import Text

from tasks_app.cli.errors import UnknownStatus
from tasks_app.states import InstanceState, TaskState
from tasks_app.status_words import INSTANCE_WORDS, TASK_WORDS

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
    return Text(INSTANCE_WORDS[InstanceState(status)].cli, style=STYLES.get(status, ""))


def task_word(status: str) -> Text:
    """Return a task's state for people, in its colour."""
    return Text(TASK_WORDS[TaskState(status)].cli, style=STYLES.get(status, ""))


def symbol(status: str) -> str:
    """Return the symbol of a task's state."""
    return TASK_WORDS[TaskState(status)].symbol


def read_instance_status(given: str) -> InstanceState:
    """Return the state that a person or a program named, in either vocabulary and any case.

    :raises UnknownStatus: when there is none of that name; the error lists all.
    """
    wanted = given.strip().casefold()
    for state, words in INSTANCE_WORDS.items():
        if wanted in {state.value, words.cli.casefold()}:
            return state
    raise UnknownStatus(given=given, allowed=", ".join(map(_both_words, InstanceState)))


def read_task_status(given: str) -> TaskState:
    """Return the state of a task that was named, in either vocabulary and any case.

    :raises UnknownStatus: when there is none of that name; the error lists all.
    """
    wanted = given.strip().casefold()
    for state, words in TASK_WORDS.items():
        if wanted in {state.value, words.cli.casefold()}:
            return state
    raise UnknownStatus(given=given, allowed=", ".join(words.cli for words in TASK_WORDS.values()))


def _both_words(state: InstanceState) -> str:
    word = INSTANCE_WORDS[state].cli
    return word if word.casefold() == state.value else f"{word} ({state.value})"
