"""What tasks need of tasks of other instances holds like any need, and its end is news at once."""

import pytest

from tasks_app.errors import InvalidTasks, WorkflowNeeded
from tasks_app.models import Instance, Task
from tasks_app.outcomes import Completed
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.explain.why import why_waiting
from tasks_app.services.http_workers.assigning import assign
from tasks_app.services.progress import advance as advance_module
from tasks_app.services.workflows.prune import prunable_instances, prune_instances
from tasks_app.services.workflows.removal import delete_workflow
from tasks_app.states import InstanceState, TaskState
from tests.support.builders import a_task
from tests.support.driving import claim, complete, drive_to_end, fail, sweep_now
from tests.support.engine import an_instance, assert_history_is_sound, task
from tests.support.loose import an_external, attempt_at, created, loose

pytestmark = pytest.mark.django_db
DAY = 86_400


def a_noop(task_id, *needs, **more):
    return {"task_id": task_id, "run": "noop", "needs": list(needs), **more}


def test_it_waits_and_goes_on_at_once_when_the_last_completes(doorbell, fleet):
    created(a_noop("a"))
    created(a_noop("b"))
    created(a_noop("c", "a", "b"), a_noop("d", "c"))

    complete(loose("a"))
    assert loose("c").ready_at is None
    complete(loose("b"))

    assert loose("c").status == TaskState.QUEUED
    assert loose("d").ready_at is None
    drive_to_end(loose("c").instance, doorbell)
    assert_history_is_sound()


def test_what_has_completed_before_holds_nothing(doorbell, fleet):
    created(a_noop("a"))
    complete(loose("a"))

    created(a_noop("b", "a"))

    assert loose("b").status == TaskState.QUEUED


def test_a_task_of_a_workflow_is_needed_by_its_address(doorbell, fleet):
    instance = an_instance(a_task("only"))

    created(a_noop("b", f"{instance.public_id}/only"))
    assert loose("b").ready_at is None
    complete(task(instance, "only"))

    assert loose("b").status == TaskState.QUEUED


def test_a_failure_skips_it_and_what_follows_and_names_the_culprit(doorbell, fleet):
    created(a_noop("a"))
    created(a_noop("b", "a"))
    created(a_noop("c", "b"), a_noop("free"))

    fail(loose("a"))

    assert (loose("b").status, loose("b").reason) == (TaskState.SKIPPED, "needs a, which failed")
    assert (loose("c").status, loose("c").reason) == (TaskState.SKIPPED, "needs b, which was skipped")
    assert loose("free").status == TaskState.QUEUED
    assert loose("b").instance.status == InstanceState.FAILED
    assert loose("b").instance.error_message == "b: needs a, which failed"
    complete(loose("free"))
    assert_history_is_sound()


def test_what_had_failed_before_skips_it_at_once(doorbell, fleet):
    created(a_noop("a"))
    fail(loose("a"))

    created(a_noop("b", "a"))

    assert loose("b").status == TaskState.SKIPPED


def test_a_cancelled_instance_is_news_too(doorbell, fleet):
    first = created(a_noop("a"))
    created(a_noop("b", "a"))

    cancel_instance(given=first.public_id)

    assert loose("b").reason == "needs a, which was cancelled"


def test_joins_count_tasks_elsewhere_like_their_own(doorbell, fleet):
    created(a_noop("a"), a_noop("b"))
    created(
        a_noop("own"), a_noop("any", "own", "a", join="any"), a_noop("two", "a", "b", join={"at_least": 2})
    )

    complete(loose("a"))
    assert loose("any").status == TaskState.QUEUED
    fail(loose("b"))

    assert loose("two").status == TaskState.SKIPPED
    drive_to_end(loose("own").instance, doorbell)
    assert_history_is_sound()


def test_nobody_claims_it_before(doorbell, fleet):
    created(an_external("a"))
    created(an_external("b", needs=["a"]))
    Task.objects.filter(task_id="b").update(ready_at="2026-01-01T00:00Z")  # as a mistake would

    from tasks_app.errors import NotOffered

    with pytest.raises(NotOffered):
        assign(task=loose("b"), worker="w")


def test_its_templates_read_the_output(doorbell, fleet):
    from tasks_app.services.attempts.inputs import render_arguments

    created(an_external("a"))
    created({"task_id": "b", "run": "claude", "with": {"prompt": "{{ tasks.a.output }}"}, "needs": ["a"]})
    assign(task=loose("a"), worker="w")
    attempt_at(loose("a")).end(outcome=Completed(output="from elsewhere"))

    assert render_arguments(claim(loose("b"))) == {"prompt": "from elsewhere"}


def test_why_names_it(doorbell, fleet):
    created(a_noop("a"))
    created(a_noop("b", "a"))

    (hold,) = why_waiting(loose("b"))
    assert hold.sentence == "it needs a, which is queued"


@pytest.mark.parametrize("end", [complete, fail])
def test_the_sweep_finds_what_was_not_told(doorbell, fleet, monkeypatch, end):
    created(a_noop("a"))
    created(a_noop("b", "a"))
    with monkeypatch.context() as patched:
        patched.setattr(advance_module, "advance_dependents", lambda _: None)
        end(loose("a"))
    assert loose("b").status == TaskState.PENDING

    sweep_now()

    assert loose("b").status == (TaskState.QUEUED if end is complete else TaskState.SKIPPED)


def test_a_long_chain_of_requests_falls_without_recursion(doorbell, fleet):
    created(a_noop("t0"))
    for number in range(1, 60):
        created(a_noop(f"t{number}", f"t{number - 1}"))

    fail(loose("t0"))

    assert set(Task.objects.exclude(task_id="t0").values_list("status", flat=True)) == {TaskState.SKIPPED}


def test_what_others_still_need_is_not_pruned(doorbell, fleet):
    first = created(a_noop("a"))
    second = created(a_noop("b", "a"))
    fail(loose("a"))
    Instance.objects.update(finished_at="2020-01-01T00:00Z")

    assert prunable_instances(older_than_seconds=DAY) == [second.public_id]
    assert list(prune_instances([first.public_id])) == [(first.public_id, False)]
    list(prune_instances([second.public_id]))

    assert prunable_instances(older_than_seconds=DAY) == [first.public_id]


def test_what_was_used_may_go_and_the_history_stays_sound(doorbell, fleet):
    first = created(a_noop("a"))
    second = created(a_noop("own"), a_noop("b", "a", "own"))
    complete(loose("a"))
    drive_to_end(second, doorbell)

    assert list(prune_instances([first.public_id])) == [(first.public_id, True)]
    assert_history_is_sound(second)


def test_a_workflow_that_is_needed_is_not_deleted(doorbell, fleet):
    instance = an_instance(a_task("only"))
    created(a_noop("own"), a_noop("b", "own", f"{instance.public_id}/only"))
    complete(task(instance, "only"))

    with pytest.raises(WorkflowNeeded, match="b"):
        delete_workflow(given=instance.workflow.public_id)


def test_another_project_s_task_is_unknown(doorbell):
    from tasks_app.models import Project
    from tasks_app.services.submit.loose import create_task

    created(a_noop("a"))
    with pytest.raises(InvalidTasks):
        create_task(task=a_noop("b", "a"), project=Project.objects.create(slug="other", name="Other"))
