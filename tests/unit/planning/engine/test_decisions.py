"""What follows from an outcome, and how an instance ends."""

import pytest

from tasks_app.outcomes import Completed, Failed, Interrupted, Outcome
from tasks_app.planning.definition.retry_spec import RetrySpec
from tasks_app.planning.engine.decisions import (
    Decision,
    Finish,
    HandBack,
    TryAgain,
    decide,
    instance_end,
    is_poisonous,
)
from tasks_app.states import InstanceState, RecordState, TaskState


def follows(outcome: Outcome, *, retry: RetrySpec | None = None, failures: int = 0) -> Decision:
    return decide(outcome, policy=retry, failures=failures, chance=0.5)


def test_a_completed_attempt_finishes_the_task_with_its_output():
    decision = follows(Completed(output={"n": 1}))

    assert decision == Finish(state=TaskState.COMPLETED, record=RecordState.COMPLETED, output={"n": 1})


def test_a_failed_attempt_fails_the_task_and_says_why():
    decision = follows(Failed(kind="timeout", message="too slow", detail={"seconds": 3}))

    assert decision == Finish(
        state=TaskState.FAILED,
        record=RecordState.FAILED,
        error_kind="timeout",
        error_message="too slow",
        error_detail={"seconds": 3},
    )


def test_an_interrupted_attempt_is_handed_back():
    assert follows(Interrupted(reason="shutdown"), retry=RetrySpec(count=3)) == HandBack(reason="shutdown")


def test_a_failure_that_can_get_better_is_tried_again():
    failed = Failed(kind="timeout", message="too slow", retryable=True)

    decision = follows(failed, retry=RetrySpec(count=1, interval=5, jitter=False))

    assert isinstance(decision, TryAgain)
    assert (decision.seconds, decision.failure.error_kind) == (5.0, "timeout")


@pytest.mark.parametrize(
    ("retry", "failures", "is_retryable"),
    [
        (None, 0, True),
        (RetrySpec(count=0), 0, True),
        (RetrySpec(count=2), 2, True),
        (RetrySpec(count=2), 0, False),
        (RetrySpec(count=2, on=("rate_limit",)), 0, True),
    ],
)
def test_a_failure_beyond_the_policy_is_final(retry: RetrySpec | None, failures: int, is_retryable: bool):
    failed = Failed(kind="timeout", message="too slow", retryable=is_retryable)

    assert isinstance(follows(failed, retry=retry, failures=failures), Finish)


@pytest.mark.parametrize(("losses", "expected"), [(1, False), (2, False), (3, True), (4, True)])
def test_a_task_that_costs_too_many_workers_is_poisonous(losses: int, expected: bool):
    assert is_poisonous(losses=losses, limit=3) is expected


@pytest.mark.parametrize(
    ("counts", "end"),
    [
        ({TaskState.COMPLETED: 3}, InstanceState.COMPLETED),
        ({TaskState.COMPLETED: 3, TaskState.SKIPPED: 1}, InstanceState.COMPLETED),
        ({TaskState.COMPLETED: 3, TaskState.FAILED: 1, TaskState.SKIPPED: 2}, InstanceState.FAILED),
        ({TaskState.CANCELLED: 1, TaskState.COMPLETED: 1}, InstanceState.CANCELLED),
        ({TaskState.COMPLETED: 3, TaskState.RUNNING: 1}, None),
        ({TaskState.FAILED: 1, TaskState.PENDING: 1}, None),
        ({TaskState.WAITING: 1}, None),
    ],
)
def test_an_instance_ends_as_its_tasks_did(counts: dict[TaskState, int], end: InstanceState | None):
    assert instance_end(counts) is end
