"""What becomes of an attempt whose executor raises."""

import errno

from tasks_app.outcomes import Completed, Failed
from workers_app.executors.performing import outcome_of


def performed(execute):
    return outcome_of(execute, executor="own", task_id=7)


def raising(error):
    def execute():
        raise error

    return execute


def test_what_an_executor_answers_is_the_outcome():
    assert performed(lambda: Completed(output=1)) == Completed(output=1)


def test_an_unforeseen_error_fails_the_attempt_without_its_text_which_may_hold_secrets(caplog):
    outcome = performed(raising(RuntimeError("the password is 1234")))

    assert outcome == Failed(
        kind="executor_error",
        message="The executor own raised RuntimeError; see the worker's log.",
        retryable=True,
    )
    assert "executor_raised task=7 executor=own" in caplog.text


def test_a_workspace_that_cannot_be_used_fails_the_attempt():
    outcome = performed(raising(OSError(errno.ENOSPC, "No space left on device")))

    assert (outcome.kind, outcome.retryable) == ("workspace", True)
    assert outcome.message == "The attempt's workspace could not be used: No space left on device."
