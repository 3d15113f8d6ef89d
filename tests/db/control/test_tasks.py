"""One task is cancelled or tried again, and the rest of its instance goes on."""

import pytest

from tasks_app.errors import IllegalMove, RetryTheParent, StaleDispatch
from tasks_app.models import Checkpoint, ExecutionRecord
from tasks_app.outcomes import Completed, Failed
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.control.instances import pause_instance, resume_instance
from tasks_app.services.control.tasks import cancel_task, retry_task
from tasks_app.services.http_workers.assigning import assign
from tasks_app.states import CheckpointState, InstanceState, RecordState, TaskState
from tests.support.builders import a_chain, a_task
from tests.support.driving import claim, complete, deliver, drive_to_end, fail, sweep_now
from tests.support.engine import an_instance, assert_history_is_sound, task
from tests.support.loose import an_external, attempt_at, created, loose

pytestmark = pytest.mark.django_db


def status(instance, *names):
    return [task(instance, name).status for name in names]


class TestCancel:
    def test_what_runs_loses_its_claim(self, doorbell, fleet):
        instance = an_instance(a_task("a"), a_task("other"))
        held = claim(task(instance, "a"))

        cancel_task(task=task(instance, "a"), by="ada", reason="wrong")

        row = task(instance, "a")
        assert (row.status, row.reason, row.dispatch_id) == (TaskState.CANCELLED, "wrong", None)
        assert ExecutionRecord.objects.get(task=row).status == RecordState.INTERRUPTED
        with pytest.raises(StaleDispatch):
            report_outcome(claim=held, outcome=Completed(output=1))
        assert status(instance, "other") == [TaskState.QUEUED]

    @pytest.mark.parametrize("on_failure", ["stop", "continue"])
    def test_what_needs_it_is_skipped_and_the_rest_goes_on(self, doorbell, fleet, on_failure):
        instance = an_instance(*a_chain(3), a_task("free"), on_failure=on_failure)

        cancel_task(task=task(instance, "link-0"))

        assert status(instance, "link-1", "link-2") == [TaskState.SKIPPED] * 2
        assert task(instance, "link-2").reason == "needs link-0, which was cancelled"
        drive_to_end(instance, doorbell)
        assert (instance.status, *status(instance, "free")) == (InstanceState.CANCELLED, TaskState.COMPLETED)
        assert_history_is_sound(instance)

    def test_the_sweep_does_what_a_crash_left(self, doorbell, fleet, monkeypatch):
        from tasks_app.services.control import tasks

        instance = an_instance(*a_chain(2))
        with monkeypatch.context() as patched:
            patched.setattr(tasks, "advance", lambda *_, **__: None)
            cancel_task(task=task(instance, "link-0"))

        sweep_now()

        instance.refresh_from_db()
        assert (instance.status, *status(instance, "link-1")) == (InstanceState.CANCELLED, TaskState.SKIPPED)

    def test_a_question_to_a_person_is_closed(self, doorbell, fleet):
        instance = an_instance(a_task("asks", also={"approval": {}}))
        deliver(doorbell.take()[0], doorbell)

        cancel_task(task=task(instance, "asks"))

        assert Checkpoint.objects.get().state == CheckpointState.CLOSED

    def test_a_list_ends_with_its_items(self, doorbell, fleet):
        instance = an_instance(a_task("list", also={"for_each": [1, 2, 3]}))
        deliver(doorbell.take()[0], doorbell)

        cancel_task(task=task(instance, "list"))

        assert set(instance.tasks.values_list("status", flat=True)) == {TaskState.CANCELLED}
        drive_to_end(instance, doorbell)

    def test_what_is_over_is_not_cancelled(self, doorbell, fleet):
        instance = an_instance(*a_chain(2))
        complete(task(instance, "link-0"))

        with pytest.raises(IllegalMove):
            cancel_task(task=task(instance, "link-0"))

    def test_twice_is_once(self, doorbell, fleet):
        instance = an_instance(a_task("a"), a_task("b"))
        cancel_task(task=task(instance, "a"))

        cancel_task(task=task(instance, "a"))

        assert status(instance, "a", "b") == [TaskState.CANCELLED, TaskState.QUEUED]

    def test_a_pause_keeps_the_rest(self, doorbell, fleet):
        instance = an_instance(*a_chain(2), a_task("free"))
        pause_instance(given=instance.public_id)
        cancel_task(task=task(instance, "link-0"))

        resume_instance(given=instance.public_id)

        assert status(instance, "link-1", "free") == [TaskState.SKIPPED, TaskState.QUEUED]


class TestRetry:
    def test_it_goes_on_with_what_was_ruled_out_while_its_instance_runs(self, doorbell, fleet):
        instance = an_instance(*a_chain(3), a_task("free"), on_failure="continue")
        fail(task(instance, "link-0"))
        assert status(instance, "link-1", "link-2") == [TaskState.SKIPPED] * 2

        retry_task(task=task(instance, "link-0"), by="ada")

        drive_to_end(instance, doorbell)
        assert instance.status == InstanceState.COMPLETED
        assert_history_is_sound(instance)

    @pytest.mark.parametrize("on_failure", ["stop", "continue"])
    def test_it_opens_its_instance_again(self, doorbell, fleet, on_failure):
        instance = an_instance(*a_chain(2), a_task("free"), on_failure=on_failure)
        fail(task(instance, "link-0"))
        drive_to_end(instance, doorbell)
        assert instance.status == InstanceState.FAILED

        retry_task(task=task(instance, "link-0"))

        drive_to_end(instance, doorbell)
        assert instance.status == InstanceState.COMPLETED
        assert_history_is_sound(instance)

    def test_what_another_failure_rules_out_stays(self, doorbell, fleet):
        instance = an_instance(
            a_task("a"),
            a_task("b"),
            a_task("of-a", needs=["a"]),
            a_task("of-both", needs=["a", "b"]),
            on_failure="continue",
        )
        fail(task(instance, "a"))
        fail(task(instance, "b"))

        retry_task(task=task(instance, "a"))

        assert status(instance, "of-a", "of-both") == [TaskState.PENDING, TaskState.SKIPPED]
        drive_to_end(instance, doorbell)
        assert instance.status == InstanceState.FAILED
        assert_history_is_sound(instance)

    def test_what_was_ruled_out_elsewhere_goes_on_too(self, doorbell, fleet):
        created({"task_id": "a", "run": "noop"})
        second = created({"task_id": "b", "run": "noop", "needs": ["a"]})
        third = created({"task_id": "c", "run": "noop", "needs": ["b"]})
        fail(loose("a"))
        assert loose("c").status == TaskState.SKIPPED

        retry_task(task=loose("a"))
        complete(loose("a"))

        drive_to_end(second, doorbell)
        drive_to_end(third, doorbell)
        assert loose("c").status == TaskState.COMPLETED
        assert_history_is_sound()

    def test_one_that_still_needs_what_failed_elsewhere_is_ruled_out_again(self, doorbell, fleet):
        created(an_external("a"))
        created(an_external("b", needs=["a"]))
        assign(task=loose("a"), worker="w")
        attempt_at(loose("a")).end(outcome=Failed(kind="worker_error", message="no"))

        retry_task(task=loose("b"))

        assert (loose("b").status, loose("b").reason) == (TaskState.SKIPPED, "needs a, which failed")
        assert_history_is_sound()

    def test_an_item_is_tried_again_with_its_list(self, doorbell, fleet):
        instance = an_instance(a_task("list", also={"for_each": [1, 2]}), a_task("after", needs=["list"]))
        deliver(doorbell.take()[0], doorbell)
        fail(task(instance, "list[0]"))
        drive_to_end(instance, doorbell)

        retry_task(task=task(instance, "list[0]"))

        drive_to_end(instance, doorbell)
        assert instance.status == InstanceState.COMPLETED
        assert_history_is_sound(instance)

    @pytest.mark.parametrize("end", [complete, claim])
    def test_only_what_ended_without_completing_is(self, doorbell, fleet, end):
        instance = an_instance(a_task("a"), a_task("b"))
        end(task(instance, "a"))

        with pytest.raises(IllegalMove):
            retry_task(task=task(instance, "a"))

    def test_in_a_child_its_parent_decides(self, doorbell, fleet):
        from tasks_app.models import Instance

        an_instance(a_task("only"), name="inner")
        outer = an_instance({"name": "calls", "workflow": "inner"}, name="outer")
        deliver(next(each for each in doorbell.take() if each.task_id == task(outer, "calls").pk), doorbell)
        child = Instance.objects.get(parent_task=task(outer, "calls"))
        fail(task(child, "only"))

        with pytest.raises(RetryTheParent):
            retry_task(task=task(child, "only"))
