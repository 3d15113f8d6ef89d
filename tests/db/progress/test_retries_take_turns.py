"""What is retried counts as what is started: it waits while as many of its workflow run as may."""

import pytest

from tasks_app.models import Instance, Task
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.instances import retry_instance
from tasks_app.services.control.tasks import retry_task
from tasks_app.services.explain.why import why_instance
from tasks_app.services.submit.instances import submit_instance
from tasks_app.services.workflows.definitions import upload_workflow
from tasks_app.states import InstanceState, TaskState
from tests.support.builders import a_task, a_workflow
from tests.support.driving import complete, deliver, fail, sweep_now
from tests.support.engine import an_instance, assert_history_is_sound, task
from tests.support.undoing import undoable

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_process(doorbell, fleet):
    """Slots without a worker."""


def failed(count, *tasks, **keys):
    """Instances of one workflow of which one runs at a time, each failed after its task ``a``."""
    found = []
    for _ in range(count):
        if found:
            each = Instance.objects.get(public_id=submit_instance(workflow=found[0].workflow.public_id))
        else:
            each = an_instance(*(tasks or (a_task("a"), a_task("b", needs=["a"]))), max_instances=1, **keys)
        complete(task(each, "a"))
        for other in Task.objects.filter(instance=each).exclude(name="a").order_by("pk"):
            fail(other)
        found.append(each)
    return found


def states(instances):
    return [Instance.objects.get(pk=each.pk).status for each in instances]


def test_instances_that_are_retried_start_one_after_the_other():
    instances = failed(3)

    for each in instances:
        retry_instance(given=each.public_id, by="ada", reason="fixed")

    assert states(instances) == [InstanceState.RUNNING, InstanceState.PENDING, InstanceState.PENDING]
    for number, each in enumerate(instances):
        assert task(each, "b").status == TaskState.QUEUED
        complete(task(each, "b"))
        assert states(instances)[: number + 2] == ["completed"] * (number + 1) + ["running"] * (number < 2)
    for each in instances:
        assert_history_is_sound(each)


def test_one_that_waits_says_for_what_and_has_no_ready_task():
    first, second = failed(2)
    retry_instance(given=first.public_id)
    retry_instance(given=second.public_id)

    _, holds, _ = why_instance(given=second.public_id)
    sweep_now()

    assert holds[0].kind == "max_instances"
    assert (task(second, "b").status, task(second, "b").ready_at) == (TaskState.PENDING, None)


def test_it_keeps_when_it_first_started_and_has_its_time_from_when_it_goes_on():
    first, second = failed(2, timeout=3600)
    second.refresh_from_db()
    began = second.started_at
    retry_instance(given=first.public_id)
    retry_instance(given=second.public_id)
    second.refresh_from_db()
    assert second.deadline_at is None

    complete(task(first, "b"))

    second.refresh_from_db()
    assert (second.status, second.started_at) == ("running", began)
    assert second.deadline_at is not None


def test_a_retried_task_brings_its_instance_back_in_turn():
    first, second = failed(2)

    retry_task(task=task(first, "b"))
    retry_task(task=task(second, "b"))

    assert states([first, second]) == ["running", "pending"]
    assert task(second, "b").ready_at is None
    complete(task(first, "b"))
    assert task(second, "b").status == TaskState.QUEUED


def test_a_second_task_of_one_that_waits_may_be_retried_too():
    first, second = failed(
        2, a_task("a"), a_task("b", needs=["a"]), a_task("c", needs=["a"]), on_failure="continue"
    )
    retry_task(task=task(first, "b"))
    retry_task(task=task(second, "b"))

    retry_task(task=task(second, "c"))

    assert states([second]) == ["pending"]
    assert task(second, "c").ready_at is None


def test_a_child_that_is_reopened_waits_and_its_parent_with_it(doorbell):
    upload_workflow(source=a_workflow(a_task("work"), name="inner", max_instances=1).encode())
    parent = an_instance({"name": "sub", "workflow": "inner"})
    ring(doorbell)
    child = Instance.objects.get(parent_task=task(parent, "sub"))
    fail(task(child, "work"))
    other = Instance.objects.get(public_id=submit_instance(workflow="inner"))
    doorbell.take()

    retry_instance(given=parent.public_id)
    ring(doorbell)

    assert states([parent, child, other]) == ["running", "pending", "running"]
    assert task(parent, "sub").status == TaskState.WAITING
    complete(task(other, "work"))
    complete(task(child, "work"))
    assert states([parent, child]) == ["completed", "completed"]


def ring(doorbell):
    for message in doorbell.take():
        if Task.objects.get(pk=message.task_id).name == "sub":
            deliver(message, doorbell)


def test_one_that_waits_may_be_undone_instead():
    first, second = failed(2, undoable("a"), undoable("b", needs=["a"]))
    retry_instance(given=first.public_id)
    retry_instance(given=second.public_id)

    cancel_instance(given=second.public_id, compensate=True)

    assert states([second]) == ["compensating"]
    assert_history_is_sound(second)


def test_without_a_limit_nothing_waits():
    instances = [an_instance(a_task("only")) for _ in range(2)]
    for each in instances:
        fail(task(each, "only"))
        retry_instance(given=each.public_id)

    assert states(instances) == ["running", "running"]
