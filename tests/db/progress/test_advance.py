"""What follows a task's end: its followers, those it ruled out, the end of its instance."""

import pytest

from tasks_app.models import Event, Instance, Task
from tasks_app.outcomes import Completed, Failed
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.progress.advance import advance, follow_up
from tasks_app.states import InstanceState, TaskState
from tests.support.builders import a_chain, a_diamond, a_task
from tests.support.driving import claim, complete, drive_to_end, fail
from tests.support.engine import an_instance, assert_history_is_sound, task

pytestmark = pytest.mark.django_db


def states(instance):
    return dict(Task.objects.filter(instance=instance).values_list("name", "status"))


def reasons(instance):
    skipped = Task.objects.filter(instance=instance, status=TaskState.SKIPPED)
    return dict(skipped.values_list("name", "reason"))


def settled_state(instance):
    instance.refresh_from_db()
    return instance.status


class TestCompletion:
    def test_followers_of_another_dispatch_are_planned(self, doorbell):
        instance = an_instance(a_task("top"), a_task("left", needs=["top"]), a_task("right", needs=["top"]))

        complete(task(instance, "top"))

        assert states(instance) == {"top": "completed", "left": "queued", "right": "queued"}

    def test_followers_of_the_same_dispatch_are_left_to_their_canvas(self, doorbell):
        instance = an_instance(*a_chain(3))

        complete(task(instance, "link-0"))

        assert states(instance)["link-1"] == TaskState.PENDING
        assert len(doorbell.dispatches) == 1

    def test_a_join_waits_for_its_last_dependency(self, doorbell):
        instance = an_instance(
            a_task("a"),
            a_task("b"),
            a_task("c"),
            a_task("ab", needs=["a", "b"]),
            a_task("bc", needs=["b", "c"]),
        )
        complete(task(instance, "a"))
        complete(task(instance, "c"))
        assert states(instance)["ab"] == states(instance)["bc"] == TaskState.PENDING

        complete(task(instance, "b"))

        assert states(instance)["ab"] == states(instance)["bc"] == TaskState.QUEUED

    def test_the_last_one_closes_the_instance(self, doorbell):
        instance = an_instance(*a_diamond(), a_task("alone"))

        drive_to_end(instance, doorbell)

        assert (instance.status, instance.error_message) == (InstanceState.COMPLETED, "")
        assert instance.finished_at is not None
        assert Event.objects.filter(instance=instance, kind="instance.completed").count() == 1
        assert_history_is_sound(instance)

    def test_it_does_not_close_while_anything_runs(self, doorbell):
        instance = an_instance(a_task("one"), a_task("two"))
        claim(task(instance, "two"))

        complete(task(instance, "one"))

        assert settled_state(instance) == InstanceState.RUNNING


def test_a_failure_that_is_allowed_frees_what_its_canvas_was_to_start_and_fails_nothing(doorbell):
    instance = an_instance(a_task("bad", also={"allow_failure": True}), a_task("next", needs=["bad"]))
    assert task(instance, "next").dispatch_id == task(instance, "bad").dispatch_id

    fail(task(instance, "bad"))

    assert states(instance) == {"bad": "failed", "next": "queued"}
    complete(task(instance, "next"))
    assert settled_state(instance) == InstanceState.COMPLETED


class TestFailure:
    @pytest.fixture
    def instance(self, doorbell, settings):
        settings.CPDS = {**settings.CPDS, "window_minimum": 3}
        return an_instance(
            a_task("bad"),
            a_task("running"),
            a_task("queued"),
            a_task("in-the-backlog"),
            a_task("next", needs=["bad"]),
            a_task("last", needs=["next"]),
            a_task("both", needs=["bad", "running"]),
            a_task("after-running", needs=["running"]),
        )

    def test_what_needs_it_is_skipped_and_names_it(self, instance):
        fail(task(instance, "bad"))

        skipped = reasons(instance)
        assert {skipped[name] for name in ("next", "last", "both")} == {"needs bad, which failed"}

    def test_the_rest_is_skipped_because_the_instance_stops(self, instance):
        claim(task(instance, "running"))

        fail(task(instance, "bad"))

        skipped = reasons(instance)
        why = "not started: the instance stopped when bad failed"
        assert {skipped[name] for name in ("queued", "in-the-backlog", "after-running")} == {why}

    def test_each_skipped_task_has_an_event_with_the_reason(self, instance):
        fail(task(instance, "bad"))

        events = Event.objects.filter(instance=instance, kind="task.skipped")
        assert dict(events.values_list("task__name", "message")) == reasons(instance)

    def test_a_skipped_task_holds_no_dispatch_and_has_ended(self, instance):
        fail(task(instance, "bad"))

        skipped = Task.objects.filter(instance=instance, status=TaskState.SKIPPED)
        assert not skipped.exclude(dispatch_id=None).exists()
        assert not skipped.filter(finished_at=None).exists()

    def test_a_running_sibling_may_finish_and_then_the_instance_fails(self, instance):
        held = claim(task(instance, "running"))
        fail(task(instance, "bad"), "the reason")
        assert settled_state(instance) == InstanceState.RUNNING

        report_outcome(claim=held, outcome=Completed(output=1))

        assert settled_state(instance) == InstanceState.FAILED
        assert instance.error_message == "bad: the reason"
        assert states(instance)["running"] == TaskState.COMPLETED
        assert states(instance)["after-running"] == TaskState.SKIPPED
        assert_history_is_sound(instance)

    def test_the_first_failure_is_the_instance_s(self, instance):
        running = claim(task(instance, "running"))
        fail(task(instance, "bad"), "first")

        report_outcome(claim=running, outcome=Failed(kind="exception", message="second"))

        assert settled_state(instance) == InstanceState.FAILED
        assert instance.error_message == "bad: first"

    def test_nothing_is_published_any_more(self, instance, doorbell):
        doorbell.take()

        fail(task(instance, "bad"))

        assert doorbell.messages == []

    def test_only_the_failed_task_s_own_followers_count_as_needing_it(self, doorbell):
        instance = an_instance(*a_chain(3, prefix="good"), *a_chain(3, prefix="bad"))

        fail(task(instance, "bad-0"))

        assert reasons(instance) == {
            "bad-1": "needs bad-0, which failed",
            "bad-2": "needs bad-0, which failed",
            **{f"good-{n}": "not started: the instance stopped when bad-0 failed" for n in range(3)},
        }


class TestAnyTime:
    def test_it_may_be_called_again_and_again(self, doorbell):
        instance = an_instance(*a_diamond())
        before = (states(instance), len(doorbell.messages), Event.objects.count())

        for _ in range(3):
            advance(instance_id=instance.pk)

        assert (states(instance), len(doorbell.messages), Event.objects.count()) == before

    def test_an_instance_that_is_gone_is_let_be(self, doorbell):
        advance(instance_id=12345)
        follow_up(instance_id=12345, task_id=1, dispatch_id="x")

    @pytest.mark.parametrize("state", sorted(set(InstanceState) - {InstanceState.RUNNING}))
    def test_nothing_is_planned_unless_the_instance_runs(self, doorbell, state):
        instance = an_instance(a_task("one"), a_task("two", needs=["one"]))
        Task.objects.filter(instance=instance).update(dispatch_id=None)
        Task.objects.filter(instance=instance, name="one").update(status=TaskState.COMPLETED)
        Instance.objects.filter(pk=instance.pk).update(status=state)

        advance(instance_id=instance.pk)

        assert states(instance)["two"] == TaskState.PENDING
        assert task(instance, "two").ready_at is None

    def test_a_task_that_did_not_fail_rules_nothing_out(self, doorbell):
        instance = an_instance(*a_chain(2))

        advance(instance_id=instance.pk, failed=[task(instance, "link-0").pk])

        assert reasons(instance) == {}
