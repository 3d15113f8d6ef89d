"""One delivered message: a claim, or word whether its canvas may go on. A late one raises nothing."""

import pytest

from tasks_app.errors import StaleDispatch
from tasks_app.models import Checkpoint, Instance, Task
from tasks_app.services.gates import evaluate, intake
from tasks_app.services.gates.evaluate import GateResult, evaluate_gates
from tasks_app.services.gates.intake import Declined, take_task
from tasks_app.states import Gate, InstanceState, TaskState
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
    row = a_gated("{{ 1 == 2 }}")

    assert taken(row) == Declined(canvas_goes_on=True)
    assert taken(task(row.instance, "after")).name == "after"


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


@pytest.mark.parametrize(
    "changes", [{"dispatch_id": "another"}, {"status": TaskState.RUNNING}, {"status": TaskState.COMPLETED}]
)
def test_no_gate_is_judged_for_a_message_that_is_over(doorbell, changes):
    row = a_gated("{{ 1 // 0 }}")
    Task.objects.filter(pk=row.pk).update(**changes)

    assert evaluate_gates(task_id=row.pk, dispatch_id=row.dispatch_id) is GateResult.CLOSED


def test_no_gate_is_judged_while_the_instance_is_paused(doorbell):
    row = a_gated("{{ 1 // 0 }}")
    Instance.objects.filter(pk=row.instance_id).update(status=InstanceState.PAUSED)

    assert evaluate_gates(task_id=row.pk, dispatch_id=row.dispatch_id) is GateResult.CLOSED


def test_no_gate_is_judged_before_what_the_task_needs_is_there(doorbell):
    instance = an_instance(a_task("first"), a_task("gated", needs=["first"], also={"when": "{{ 1 // 0 }}"}))
    row = task(instance, "gated")
    Task.objects.filter(pk=row.pk).update(dispatch_id="early")

    assert evaluate_gates(task_id=row.pk, dispatch_id="early") is GateResult.CLOSED


@pytest.mark.parametrize("gate", [{"when": "{{ 1 == 2 }}"}, {"approval": {}}, {"for_each": [1]}])
@pytest.mark.parametrize("changes", [{"dispatch_id": "another"}, {"status": TaskState.CANCELLED}])
def test_what_was_taken_away_while_its_gate_was_judged_is_left_alone(doorbell, monkeypatch, gate, changes):
    instance = an_instance(a_task("only", also=gate), a_task("after", needs=["only"]))
    row, look = task(instance, "only"), evaluate._delivered

    def look_too_early(*given):
        found = look(*given)
        Task.objects.filter(pk=row.pk).update(**changes)
        return found

    monkeypatch.setattr(evaluate, "_delivered", look_too_early)
    after = Task.objects.filter(pk=task(instance, "after").pk).values().get()

    assert evaluate_gates(task_id=row.pk, dispatch_id=row.dispatch_id) is GateResult.CLOSED

    now = Task.objects.filter(pk=row.pk).values("status", "dispatch_id").get()
    assert now == {"status": row.status, "dispatch_id": row.dispatch_id, **changes}
    assert Task.objects.filter(pk=after["id"]).values().get() == after
    assert Task.objects.filter(parent=row).count() == Checkpoint.objects.count() == 0


def test_no_wait_begins_in_an_instance_that_was_paused_meanwhile(doorbell, monkeypatch):
    row, look = task(an_instance(a_task("only", also={"approval": {}})), "only"), evaluate._delivered

    def look_too_early(*given):
        found = look(*given)
        Instance.objects.filter(pk=row.instance_id).update(status=InstanceState.PAUSED)
        return found

    monkeypatch.setattr(evaluate, "_delivered", look_too_early)

    assert taken(row) == Declined(canvas_goes_on=False)
    row.refresh_from_db()
    assert (row.status, Checkpoint.objects.count()) == (TaskState.QUEUED, 0)


def test_what_was_planned_behind_a_task_that_waits_at_its_gate_is_free(doorbell):
    instance = an_instance(a_task("only", also={"approval": {}}), a_task("after", needs=["only"]))
    assert task(instance, "after").dispatch_id is not None

    taken(task(instance, "only"))

    assert task(instance, "after").dispatch_id is None
