"""One delivered message: a claim, or word whether its canvas may go on. A late one raises nothing."""

import pytest

from tasks_app.errors import StaleDispatch
from tasks_app.services.gates import intake
from tasks_app.services.gates.intake import Accepted, Declined, take_task
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

    assert isinstance(answer, Accepted)
    assert (answer.claim.name, answer.failure) == ("only", None)


def test_a_message_that_comes_twice_is_over(doorbell):
    row = task(an_instance(a_task("only")), "only")
    taken(row)

    assert taken(row) == Declined(canvas_goes_on=False)


def test_a_task_that_passed_its_gate_is_claimed(doorbell):
    assert taken(a_gated("{{ 1 == 1 }}")).claim.name == "only"


def test_the_canvas_of_a_skipped_task_goes_on(doorbell):
    assert taken(a_gated("{{ 1 == 2 }}")) == Declined(canvas_goes_on=True)


def test_a_gate_that_cannot_be_judged_brings_the_claim_and_the_failure(doorbell):
    row = a_gated("{{ 1 // 0 }}")

    answer = taken(row)

    row.refresh_from_db()
    assert (answer.failure.kind, row.status) == ("bad_template", TaskState.RUNNING)


def test_a_task_taken_back_between_gate_and_claim_is_left_alone(doorbell, monkeypatch):
    row = a_gated("{{ 1 // 0 }}")
    claim = intake.claim_task

    def too_late(*, gate, **wanted):
        if gate is not Gate.OPEN:
            raise StaleDispatch(task_id=row.pk, dispatch_id=row.dispatch_id)
        return claim(gate=gate, **wanted)

    monkeypatch.setattr(intake, "claim_task", too_late)

    assert taken(row) == Declined(canvas_goes_on=False)
