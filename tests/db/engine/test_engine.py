"""The engine as a Python program sees it."""

import pytest

from tasks_app.errors import StillRunning
from tasks_app.models import Instance
from tasks_app.sdk import Engine, TaskBuilder, WorkflowBuilder
from tests.support.driving import drive_to_end

pytestmark = pytest.mark.django_db(transaction=True)


def a_definition(word="one"):
    task = TaskBuilder("say", "Says a word").with_job_function("echo", {"word": word}).build()
    return WorkflowBuilder("said", "Says").with_task(task).build()


def test_a_built_workflow_is_executed_waited_for_and_told(doorbell):
    engine = Engine(by="ann")
    instance = engine.execute_workflow(a_definition())

    drive_to_end(Instance.objects.get(public_id=instance), doorbell)

    told = engine.wait_for_instance(instance, timeout=5)
    assert (told["status"], told["workflow_version"]) == ("completed", 1)
    assert [each["id"] for each in engine.get_workflow_history("said")] == [instance]
    assert engine.get_workflow_history("said", offset=1) == []


def test_another_definition_of_the_name_is_its_next_version(doorbell):
    engine = Engine()
    engine.execute_workflow(a_definition())

    again = engine.execute_workflow(a_definition("two"))

    assert engine.get_instance(again)["workflow_version"] == 2


def test_a_wait_that_is_over_says_so_and_leaves_the_instance(doorbell):
    engine = Engine()
    instance = engine.execute_workflow(a_definition())

    with pytest.raises(StillRunning, match="goes on"):
        engine.wait_for_instance(instance, timeout=0)

    assert engine.get_instance(instance)["status"] == "running"


def test_an_instance_is_paused_resumed_cancelled_and_retried(doorbell):
    engine = Engine(by="ann")
    instance = engine.execute_workflow(a_definition())

    engine.pause_instance(instance, reason="lunch")
    assert engine.get_instance(instance)["status"] == "paused"
    engine.resume_instance(instance)
    engine.cancel_instance(instance)
    assert engine.get_instance(instance)["status"] == "cancelled"
    engine.retry_instance(instance)
    assert engine.get_instance(instance)["status"] == "running"
