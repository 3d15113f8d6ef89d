"""What follows from an outcome, and how an instance ends."""

import pytest

from tasks_app.outcomes import Completed, Failed, Interrupted
from tasks_app.planning.decisions import Finish, HandBack, decide, instance_end, is_poisonous
from tasks_app.states import InstanceState, RecordState, TaskState


def test_a_completed_attempt_finishes_the_task_with_its_output():
    decision = decide(Completed(output={"n": 1}))

    assert decision == Finish(state=TaskState.COMPLETED, record=RecordState.COMPLETED, output={"n": 1})


def test_a_failed_attempt_fails_the_task_and_says_why():
    decision = decide(Failed(kind="timeout", message="too slow", detail={"seconds": 3}))

    assert decision == Finish(
        state=TaskState.FAILED,
        record=RecordState.FAILED,
        error_kind="timeout",
        error_message="too slow",
        error_detail={"seconds": 3},
    )


def test_an_interrupted_attempt_is_handed_back():
    assert decide(Interrupted(reason="shutdown")) == HandBack(reason="shutdown")


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
