"""What each state is called: a row for each state, a column for each vocabulary.

``api``: ``/api/v1``. ``compat``: ``/api`` without a version. ``cli``: people at a terminal.
The columns of the APIs are closed lists, so that no client is told a word it does not know.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from tasks_app.states import InstanceState, TaskState

InstanceStatus = Literal["Ready", "Running", "Paused", "Success", "Failed", "Terminated"]
TaskStatus = Literal["Pending", "Running", "Paused", "Success", "Failed", "Cancelled"]
CompatTaskStatus = Literal["pending", "in_progress", "completed", "failed"]


class InstanceWords(NamedTuple):
    """What one state of an instance is called."""

    api: InstanceStatus
    cli: str


class TaskWords(NamedTuple):
    """What one state of a task is called, and its symbol at a terminal."""

    api: TaskStatus
    compat: CompatTaskStatus
    cli: str
    symbol: str
    """Two columns wide in every terminal, which symbols with a variation selector are not."""


_I = InstanceState
INSTANCE_WORDS: Final[Mapping[InstanceState, InstanceWords]] = {
    _I.PENDING: InstanceWords(api="Ready", cli="Ready"),
    _I.RUNNING: InstanceWords(api="Running", cli="Running"),
    _I.PAUSED: InstanceWords(api="Paused", cli="Paused"),
    _I.COMPLETED: InstanceWords(api="Success", cli="Success"),
    _I.FAILED: InstanceWords(api="Failed", cli="Failed"),
    _I.CANCELLED: InstanceWords(api="Terminated", cli="Terminated"),
    # Undone, or about to be: those who know no such word are told that it did not succeed.
    _I.COMPENSATING: InstanceWords(api="Failed", cli="Compensating"),
    _I.COMPENSATED: InstanceWords(api="Failed", cli="Compensated"),
}

_T = TaskState
TASK_WORDS: Final[Mapping[TaskState, TaskWords]] = {
    _T.PENDING: TaskWords(api="Pending", compat="pending", cli="Pending", symbol="⏳"),
    _T.QUEUED: TaskWords(api="Pending", compat="pending", cli="Queued", symbol="⏳"),
    _T.RUNNING: TaskWords(api="Running", compat="in_progress", cli="Running", symbol="🔄"),
    _T.WAITING: TaskWords(api="Pending", compat="pending", cli="Waiting", symbol="⏰"),
    _T.COMPLETED: TaskWords(api="Success", compat="completed", cli="Success", symbol="✅"),
    _T.FAILED: TaskWords(api="Failed", compat="failed", cli="Failed", symbol="❌"),
    _T.CANCELLED: TaskWords(api="Cancelled", compat="failed", cli="Cancelled", symbol="🛑"),
    _T.SKIPPED: TaskWords(api="Failed", compat="failed", cli="Skipped", symbol="⏩"),
    _T.COMPENSATING: TaskWords(api="Running", compat="completed", cli="Compensating", symbol="⏪"),
    _T.COMPENSATED: TaskWords(api="Success", compat="completed", cli="Compensated", symbol="⏪"),
}


def standing(*, status: str, satisfies: bool | None) -> str:
    """Return the state that a task counts under: one that was not needed is as good as completed."""
    return TaskState.COMPLETED if status == TaskState.SKIPPED and satisfies else status


def task_words(state: str, *, satisfies: bool | None) -> TaskWords:
    """Return the row of a task for an API."""
    return TASK_WORDS[TaskState(standing(status=state, satisfies=satisfies))]
