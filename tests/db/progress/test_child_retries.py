"""A task that starts a workflow is tried again with a new instance; a saga waits for its children."""

import pytest

from cpds.base import clock
from tasks_app.models import ExecutionRecord, Instance, Task
from tasks_app.outcomes import Completed
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.instances import pause_instance, retry_instance
from tasks_app.services.explain.why import why_waiting
from tasks_app.services.lookup import alarm
from tasks_app.services.queries import task_records
from tasks_app.services.workflows.definitions import upload_workflow
from tasks_app.services.workflows.prune import prunable_instances, prune_instances
from tests.support.builders import a_task, a_workflow
from tests.support.driving import claim, complete, deliver, drive_to_end, fail, sweep_now
from tests.support.engine import an_instance, assert_history_is_sound, task
from tests.support.undoing import undo_order, undoable

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_process(fleet):
    """Slots without a worker."""


def a_parent(doorbell, *more, retries=2, **keys):
    upload_workflow(source=a_workflow(a_task("work"), name="inner").encode())
    retry = {"count": retries, "interval": 60, "jitter": False}
    instance = an_instance({"name": "sub", "workflow": "inner", "retry": retry}, *more, **keys)
    ring(doorbell, "sub")
    return instance


def ring(doorbell, *names):
    for message in doorbell.take():
        if Task.objects.get(pk=message.task_id).name in names:
            deliver(message, doorbell)


def children(instance):
    return list(Instance.objects.filter(parent_task__instance=instance).order_by("pk"))


def wake(doorbell):
    Task.objects.filter(wait_kind="retry").update(wake_at=clock.database_now())
    sweep_now()
    ring(doorbell, "sub")


def test_each_retry_starts_a_new_child_after_its_wait(doorbell):
    instance = a_parent(doorbell)
    fail(task(children(instance)[0], "work"))

    sub = task(instance, "sub")
    assert (sub.status, sub.wait_kind, sub.failures) == ("waiting", "retry", 1)
    assert children(instance)[0].public_id in why_waiting(sub)[0].sentence
    wake(doorbell)
    first, second = children(instance)
    assert second.public_id in task(instance, "sub").reason
    complete(task(second, "work"))

    instance.refresh_from_db()
    assert (instance.status, first.status) == ("completed", "failed")
    assert_history_is_sound()


def records(instance):
    rows = task_records(f"{instance.public_id}/sub").records
    return [(each.attempt, each.status, each.error and each.error.kind) for each in rows]


def test_each_child_is_an_attempt_with_its_record(doorbell):
    instance = a_parent(doorbell)
    assert records(instance) == [(1, "running", None)]
    assert_history_is_sound()

    fail(task(children(instance)[0], "work"))
    wake(doorbell)
    first, second = children(instance)
    complete(task(second, "work"))

    assert records(instance) == [(1, "failed", "child_failed"), (2, "completed", None)]
    failed, completed = ExecutionRecord.objects.filter(task__name="sub").order_by("number")
    assert failed.error_detail == {"child": first.public_id, "became": "failed"}
    assert first.public_id in failed.error_message
    assert completed.metadata == {"child": second.public_id}
    assert completed.output == task(instance, "sub").output
    assert (completed.executor, completed.worker) == ("workflow", "")
    assert task(instance, "sub").attempts == 2
    assert_history_is_sound()


def test_an_attempt_whose_child_is_cancelled_with_its_parent_is_interrupted(doorbell):
    instance = a_parent(doorbell)

    cancel_instance(given=instance.public_id)

    assert records(instance) == [(1, "interrupted", "cancelled")]
    assert_history_is_sound()


def test_each_item_that_starts_a_workflow_has_its_record(doorbell):
    upload_workflow(source=a_workflow(a_task("work"), name="inner").encode())
    instance = an_instance({"name": "sub", "workflow": "inner", "for_each": [1, 2]})
    drive_to_end(instance, doorbell)

    owners = ExecutionRecord.objects.filter(task__instance=instance, status="completed")
    assert sorted(owners.values_list("task__name", "number")) == [("sub[0]", 1), ("sub[1]", 1)]
    assert_history_is_sound()


@pytest.mark.django_db(transaction=True)
def test_the_wait_for_another_child_sets_the_alarm(doorbell, monkeypatch):
    monkeypatch.setattr(alarm, "_set", alarm.threading.Event())
    instance = a_parent(doorbell)

    fail(task(children(instance)[0], "work"))

    assert task(instance, "sub").wait_kind == "retry"
    assert alarm._set.is_set()


def test_it_fails_when_no_retry_is_left(doorbell):
    instance = a_parent(doorbell, retries=1)
    fail(task(children(instance)[0], "work"))
    wake(doorbell)
    fail(task(children(instance)[1], "work"))

    instance.refresh_from_db()
    assert (instance.status, task(instance, "sub").error_kind) == ("failed", "child_failed")
    assert records(instance) == [(1, "failed", "child_failed"), (2, "failed", "child_failed")]
    assert_history_is_sound()


def test_a_person_s_retry_goes_on_with_the_newest_child(doorbell):
    instance = a_parent(doorbell, retries=1)
    fail(task(children(instance)[0], "work"))
    wake(doorbell)
    fail(task(children(instance)[1], "work"))

    retry_instance(given=instance.public_id)
    drive_to_end(instance, doorbell)

    assert instance.status == "completed"
    assert [child.status for child in children(instance)] == ["failed", "completed"]
    assert [status for _, status, _ in records(instance)] == ["failed", "failed", "completed"]


def test_a_child_that_a_person_cancelled_is_not_brought_back(doorbell):
    instance = a_parent(doorbell)

    cancel_instance(given=children(instance)[0].public_id)

    instance.refresh_from_db()
    assert instance.status == "failed"


def test_an_instance_that_has_stopped_starts_no_other_child(doorbell):
    instance = a_parent(doorbell, a_task("bad"))
    fail(task(instance, "bad"))

    fail(task(children(instance)[0], "work"))

    instance.refresh_from_db()
    assert (instance.status, task(instance, "sub").status) == ("failed", "skipped")


def test_pausing_and_cancelling_reach_the_current_child(doorbell):
    instance = a_parent(doorbell)
    fail(task(children(instance)[0], "work"))
    wake(doorbell)

    pause_instance(given=instance.public_id)
    assert [child.status for child in children(instance)] == ["failed", "paused"]
    cancel_instance(given=instance.public_id)

    assert [child.status for child in children(instance)] == ["failed", "cancelled"]
    assert_history_is_sound()


def test_undoing_stops_the_children_and_waits_for_them(doorbell):
    instance = a_parent(doorbell, undoable("done"))
    complete(task(instance, "done"))
    held = claim(task(children(instance)[0], "work"))

    cancel_instance(given=instance.public_id, compensate=True)

    assert children(instance)[0].status == "cancelled"
    assert task(instance, "undo done").ready_at is None, "the worker of the child may still be at it"
    ExecutionRecord.objects.filter(task_id=held.task_id).update(revoked_until=clock.database_now())
    drive_to_end(instance, doorbell)
    assert (instance.status, undo_order(instance)) == ("compensated", ["done"])


def test_draining_waits_for_the_children_before_it_undoes(doorbell):
    instance = a_parent(doorbell, undoable("done"))
    complete(task(instance, "done"))
    held = claim(task(children(instance)[0], "work"))

    cancel_instance(given=instance.public_id, compensate=True, drain=True)

    assert [child.status for child in children(instance)] == ["running"]
    assert task(instance, "undo done").ready_at is None
    sweep_now()
    assert [child.status for child in children(instance)] == ["running"]
    report_outcome(claim=held, outcome=Completed(output=1))
    drive_to_end(instance, doorbell)
    assert (instance.status, undo_order(instance)) == ("compensated", ["done"])


def test_an_ended_child_stays_as_long_as_its_parent_goes_on(doorbell):
    instance = a_parent(doorbell)
    fail(task(children(instance)[0], "work"))
    old = children(instance)[0]
    Instance.objects.filter(pk=old.pk).update(finished_at=clock.database_now_plus(-864_000))

    assert prunable_instances(older_than_seconds=86_400) == []
    assert list(prune_instances([old.public_id])) == [(old.public_id, False)]


def test_why_counts_the_items_of_a_list(doorbell):
    instance = an_instance(a_task("each", also={"for_each": [1, 2, 3]}))
    ring(doorbell, "each")
    complete(task(instance, "each[0]"))

    (hold,) = why_waiting(task(instance, "each"))

    assert hold.sentence.startswith("1 of 3 items are over")
