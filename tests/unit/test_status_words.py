"""Every state has a word in every vocabulary, and no client is told one that it does not know."""

import msgspec
import pytest

from tasks_app.api import status_words
from tasks_app.api.compat.cpds import words as compat_words
from tasks_app.api.compat.cpds.shapes import CompatTaskView
from tasks_app.api.instances.views import InstanceSummaryView, InstanceTaskView
from tasks_app.cli import words as cli_words
from tasks_app.states import InstanceState, TaskState, WaitKind
from tasks_app.status_words import INSTANCE_WORDS, TASK_WORDS

INSTANCES = {
    # state: as /api/v1, as people at a terminal say it
    "pending": ("Ready", "Ready"),
    "running": ("Running", "Running"),
    "paused": ("Paused", "Paused"),
    "completed": ("Success", "Success"),
    "failed": ("Failed", "Failed"),
    "cancelled": ("Terminated", "Terminated"),
    "compensating": ("Failed", "Compensating"),
    "compensated": ("Failed", "Compensated"),
}
TASKS = {
    # state: as /api/v1, as /api without a version, as people at a terminal say it
    "pending": ("Pending", "pending", "Pending"),
    "queued": ("Pending", "pending", "Queued"),
    "running": ("Running", "in_progress", "Running"),
    "waiting": ("Pending", "pending", "Waiting"),
    "completed": ("Success", "completed", "Success"),
    "failed": ("Failed", "failed", "Failed"),
    "cancelled": ("Cancelled", "failed", "Cancelled"),
    "skipped": ("Failed", "failed", "Skipped"),
    "compensating": ("Running", "completed", "Compensating"),
    "compensated": ("Success", "completed", "Compensated"),
}


def choices(view, key):
    """Return the words that the schema allows for this key of a view."""
    schema = msgspec.json.schema(view)
    described = schema["$defs"][view.__name__]["properties"][key]
    return set(described["enum"])


def api_word(state, *, satisfies=None, wait_kind=""):
    return status_words.task_word(state, satisfies=satisfies, wait_kind=wait_kind)


@pytest.mark.parametrize("state", InstanceState)
def test_an_instance_is_called_what_each_vocabulary_calls_it(state):
    told = (status_words.instance_word(state), cli_words.instance_word(state).plain)

    assert told == INSTANCES[state] == INSTANCE_WORDS[state]
    assert told[0] in choices(InstanceSummaryView, "status")
    assert state in status_words.states_called(told[0])


@pytest.mark.parametrize("state", TaskState)
def test_a_task_is_called_what_each_vocabulary_calls_it(state):
    told = (api_word(state), compat_words.status_word(status=state), cli_words.task_word(state).plain)

    assert told == TASKS[state] == TASK_WORDS[state][:3]
    assert told[0] in choices(InstanceTaskView, "status")
    assert told[1] in choices(CompatTaskView, "status")
    assert cli_words.read_task_status(told[2]) is state


@pytest.mark.parametrize("state", TaskState)
@pytest.mark.parametrize("satisfies", [True, False, None])
@pytest.mark.parametrize("wait_kind", ["", *WaitKind])
def test_whatever_else_is_so_the_word_of_a_task_is_a_known_one(state, satisfies, wait_kind):
    told = api_word(state, satisfies=satisfies, wait_kind=wait_kind)

    assert told in choices(InstanceTaskView, "status")
    assert compat_words.status_word(status=state, satisfies=satisfies) in compat_words.STATUSES


def test_a_task_that_was_not_needed_is_as_good_as_completed():
    assert api_word("skipped", satisfies=True) == "Success"
    assert compat_words.status_word(status="skipped", satisfies=True) == "completed"


def test_a_task_that_waits_for_a_person_is_paused():
    assert api_word("waiting", wait_kind="approval") == "Paused"
    assert api_word("waiting", wait_kind="retry") == "Pending"


@pytest.mark.parametrize(
    "tell",
    [
        status_words.instance_word,
        cli_words.instance_word,
        api_word,
        lambda state: compat_words.status_word(status=state),
        cli_words.task_word,
        cli_words.symbol,
    ],
)
@pytest.mark.parametrize("unknown", ["", "interrupted", "Success", "in_progress"])
def test_a_state_that_nobody_knows_reaches_no_client(tell, unknown):
    with pytest.raises(ValueError, match="is not a valid"):
        tell(unknown)
