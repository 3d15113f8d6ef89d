"""Tasks created on their own: one or many at once, by the rules of workflow files."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks_app.errors import InvalidTasks, NoWorkflow, TaskIdTaken
from tasks_app.models import Dependency, Instance, Project, Task
from tasks_app.services.attempts.claims import claim_task
from tasks_app.services.attempts.inputs import render_arguments
from tasks_app.services.submit.instances import rerun_instance
from tasks_app.services.submit.loose import create_task, create_tasks
from tasks_app.states import InstanceState, OnFailure, TaskState
from tests.support.driving import complete, drive_to_end
from tests.support.engine import assert_history_is_sound
from tests.support.loose import an_external, an_http_worker_online, created, loose

pytestmark = pytest.mark.django_db


def problems_of(*tasks):
    with pytest.raises(InvalidTasks) as refused:
        create_tasks(tasks=list(tasks))
    assert not Instance.objects.exists()
    return [(each.pointer, each.code) for each in refused.value.problems]


def test_one_task_becomes_an_instance_without_workflow(doorbell, fleet):
    made = create_task(task={"task_id": "TASK-001", "title": "Build login", "priority": "high"}, by="ada")

    task = loose("TASK-001")
    assert made.task_ids == ("TASK-001",)
    assert task.instance.public_id == made.instance_id
    assert (task.instance.workflow, task.instance.on_failure) == (None, OnFailure.CONTINUE)
    assert (task.instance.status, task.project) == (InstanceState.RUNNING, Project.objects.default())
    assert (task.title, task.priority, task.created_by, task.deployment_mode) == (
        "Build login",
        7,
        "ada",
        "both",
    )
    assert task.status == TaskState.QUEUED


def test_a_task_without_id_is_given_one(doorbell):
    (task_id,) = create_task(task={"title": "x"}).task_ids

    assert re.fullmatch(r"TASK-[0-9A-F]{8}", task_id)


@pytest.mark.parametrize("key", ["task_id", "name"])
@pytest.mark.parametrize("given", ["a/b", "/", "pending", "schedule", "bulk", ".."])
def test_an_id_that_no_address_leads_to_is_refused_by_name(doorbell, key, given):
    assert problems_of({key: given}) == [(f"/0/{key}", "bad_value")]


@pytest.mark.parametrize("given", ["Pending", "bulk-1", "a.b", "a b", "%2F", "ä?#"])
def test_other_ids_are_taken(doorbell, given):
    assert create_task(task={"task_id": given}).task_ids == (given,)


@pytest.mark.parametrize(
    ("priority", "number"),
    [("low", 2), ("medium", 5), ("normal", 5), ("high", 7), ("critical", 9), (0, 0), (9, 9)],
)
def test_a_priority_is_a_word_or_a_number(doorbell, priority, number):
    create_task(task={"task_id": "a", "priority": priority})

    assert loose("a").priority == number


@pytest.mark.parametrize("priority", [10, 100, -1, True, "urgent", 1.5, []])
def test_other_priorities_are_refused_by_name(doorbell, priority):
    assert problems_of({"title": "x", "priority": priority}) == [("/0/priority", "bad_value")]


def test_its_tasks_need_one_another(doorbell, fleet):
    instance = created(
        {"task_id": "a", "run": "noop"},
        {"task_id": "b", "run": "noop", "dependencies": ["a"]},
        {"task_id": "c", "run": "noop", "needs": ["a", "b"]},
    )

    assert loose("b").ready_at is None
    drive_to_end(instance, doorbell)

    assert instance.status == InstanceState.COMPLETED
    assert Dependency.objects.filter(is_foreign=False).count() == 3
    assert_history_is_sound(instance)


def test_without_executor_claude_is_asked_for_what_was_described(doorbell):
    create_task(
        task={
            "task_id": "a",
            "title": "Login",
            "description": 'Write {{ a }} "form"\n{% x %} ü 😀 \\d }}',
            "claude_context": "Use Django.",
        }
    )

    task = loose("a")
    held = claim_task(task_id=task.pk, dispatch_id=task.dispatch_id, worker="w")
    assert task.executor == "claude"
    assert render_arguments(held) == {
        "prompt": 'Login\n\nWrite {{ a }} "form"\n{% x %} ü 😀 \\d }}\n\nUse Django.'
    }


def test_while_a_worker_that_speaks_http_is_online_it_is_for_that(doorbell):
    with an_http_worker_online():
        create_tasks(tasks=[{"task_id": "a", "title": "x"}, {"task_id": "b", "run": "noop"}])

    assert (loose("a").executor, loose("a").status) == ("external", TaskState.PENDING)
    assert (loose("b").executor, loose("b").status) == ("noop", TaskState.QUEUED)


def test_the_same_id_twice_is_refused(doorbell):
    created({"task_id": "a"})

    with pytest.raises(TaskIdTaken):
        create_task(task={"task_id": "a"})
    with pytest.raises(InvalidTasks) as refused:
        create_tasks(tasks=[{"task_id": "b"}, {"task_id": "b"}])

    assert [(each.pointer, each.code) for each in refused.value.problems] == [
        ("/1/task_id", "duplicate_task")
    ]
    assert Task.objects.count() == 1


def test_another_project_may_have_the_same_id(doorbell):
    other = Project.objects.create(slug="other", name="Other")
    created({"task_id": "a"})

    create_task(task={"task_id": "a"}, project=other)

    assert Task.objects.filter(task_id="a").count() == 2


@pytest.mark.parametrize(
    ("task", "found"),
    [
        ({"taks_id": "a"}, ("/0/taks_id", "unknown_key")),
        ({"title": 5}, ("/0/title", "wrong_type")),
        ({"tags": "x"}, ("/0/tags", "wrong_type")),
        ({"executor": "nope"}, ("/0/executor", "unknown_executor")),
        ({"executor": "noop", "run": "noop"}, ("/0/executor", "bad_combination")),
        ({"dependencies": ["nowhere"]}, ("/0/dependencies/0", "unknown_task")),
        ({"task_id": "a", "needs": ["a"]}, ("/0/needs/0", "self_dependency")),
        ({"task_id": " a"}, ("/0/task_id", "bad_value")),
        ({"deployment_mode": "moon"}, ("/0/deployment_mode", "bad_value")),
        ({"run": "shell_command", "with": {}}, ("/0/with/argv", "bad_argument")),
        ({"timeout": "soon"}, ("/0/timeout", "bad_value")),
        ({"join": {"at_least": 2}, "needs": []}, ("/0/join/at_least", "bad_join")),
        ("text", ("/0", "bad_value")),
        ({"a/b~c": 1}, ("/0/a~1b~0c", "unknown_key")),
    ],
)
def test_what_is_wrong_is_named_with_its_pointer(doorbell, task, found):
    assert found in problems_of(task)


def test_of_one_task_pointers_begin_in_it(doorbell):
    with pytest.raises(InvalidTasks) as refused:
        create_task(task={"priority": 100})

    assert [each.pointer for each in refused.value.problems] == ["/priority"]


@pytest.mark.parametrize("count", [0, 10_001])
def test_too_few_and_too_many_are_refused(doorbell, count):
    with pytest.raises(InvalidTasks, match="1 problem"):
        create_tasks(tasks=[{}] * count)


def test_thousands_take_a_handful_of_statements(doorbell, fleet):
    tasks = [an_external("first"), *(an_external(f"t{n}", needs=["first"]) for n in range(2_999))]

    with CaptureQueriesContext(connection) as captured:
        create_tasks(tasks=tasks)

    assert Task.objects.count() == 3_000
    assert len(captured) <= 40


def test_such_an_instance_has_nothing_to_rerun(doorbell, fleet):
    instance = created({"task_id": "a", "run": "noop"})
    complete(loose("a"))

    with pytest.raises(NoWorkflow):
        rerun_instance(given=instance.public_id, from_task="a")


def test_an_instance_ends_with_its_tasks_and_fails_with_them(doorbell, fleet):
    from tests.support.driving import fail

    instance = created({"task_id": "a", "run": "noop"}, {"task_id": "b", "run": "noop"})
    fail(loose("a"))
    assert loose("b").status == TaskState.QUEUED
    complete(loose("b"))

    instance.refresh_from_db()
    assert instance.status == InstanceState.FAILED
    assert_history_is_sound(instance)
