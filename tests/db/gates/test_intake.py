"""One delivered message: a claim, or word whether its canvas may go on. A late one raises nothing."""

import pytest

from tasks_app.errors import StaleDispatch
from tasks_app.services.gates import intake
from tasks_app.services.gates.intake import Declined, take_task
from tasks_app.states import Gate, TaskState
from tests.support.builders import a_task
from tests.support.driving import WORKER
from tests.support.engine import an_instance, task

pytestmark = pytest.mark.django_db


def a_gated(when):
    return task(an_instance(a_task("only", also={"when": when}), a_task("after", needs=["only"])), "only")


def taken(row):
    return take_task(task_id=row.pk, dispatch_id=row.dispatch_id, worker=WORKER)


def test_a_ready_task_is_claimed(doorbell):
    answer = taken(task(an_instance(a_task("only")), "only"))

    assert answer.name == "only"


def test_a_message_that_comes_twice_is_over(doorbell):
    row = task(an_instance(a_task("only")), "only")
    taken(row)

    assert taken(row) == Declined(canvas_goes_on=False)


def test_a_task_that_passed_its_gate_is_claimed(doorbell):
    assert taken(a_gated("{{ 1 == 1 }}")).name == "only"


def test_the_canvas_of_a_skipped_task_goes_on(doorbell):
    assert taken(a_gated("{{ 1 == 2 }}")) == Declined(canvas_goes_on=True)


def test_a_task_whose_gate_cannot_be_judged_fails_there_as_an_attempt_of_the_worker(doorbell):
    row = a_gated("{{ 1 // 0 }}")

    assert taken(row) == Declined(canvas_goes_on=False)

    row.refresh_from_db()
    assert (row.status, row.error_kind, row.records.get().worker) == (
        TaskState.FAILED,
        "bad_template",
        WORKER,
    )


def test_a_task_taken_back_between_gate_and_claim_is_left_alone(doorbell, monkeypatch):
    row = a_gated("{{ 1 // 0 }}")
    claim = intake.claim_task

    def too_late(*, gate=Gate.OPEN, **wanted):
        if gate is not Gate.OPEN:
            raise StaleDispatch(task_id=row.pk, dispatch_id=row.dispatch_id)
        return claim(gate=gate, **wanted)

    monkeypatch.setattr(intake, "claim_task", too_late)

    assert taken(row) == Declined(canvas_goes_on=False)
