"""An instance is paused, resumed, cancelled or tried again where its state allows it; else it is told so."""

import pytest

from cpds.base import clock
from tasks_app.errors import IllegalMove, NotFound, NothingToUndo, RetryTheParent, StaleDispatch
from tasks_app.models import Event, ExecutionRecord, Instance, Task
from tasks_app.outcomes import Completed
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.control.cancelling import cancel_instance, end_instance
from tasks_app.services.control.instances import pause_instance, resume_instance, retry_instance
from tasks_app.services.submit.instances import submit_instance
from tasks_app.services.workflows.definitions import upload_workflow
from tasks_app.states import InstanceState, RecordState
from tests.support.builders import a_chain, a_task, a_workflow
from tests.support.driving import claim, complete, deliver, drive_to_end, fail, sweep_now
from tests.support.engine import an_instance, assert_history_is_sound, task
from tests.support.undoing import undoable

pytestmark = pytest.mark.django_db
SECRET = "sk-ant-" + "0123456789abcdef"


@pytest.fixture(autouse=True)
def _in_process(fleet):
    """Slots without a worker."""


def status(instance, *names):
    instance.refresh_from_db()
    return [instance.status, *(task(instance, name).status for name in names)]


def in_state(state):
    """An instance in a state, however it came there."""
    instance = an_instance(a_task("only"))
    Instance.objects.filter(pk=instance.pk).update(status=state)
    return instance


def refused_in(act, *states, **more):
    """Check that ``act`` changes nothing in any of these states, and says which it was."""
    for state in states:
        instance = in_state(state)
        events = Event.objects.count()

        with pytest.raises(IllegalMove) as refused:
            act(given=instance.public_id, **more)

        assert refused.value.facts["state"] == state
        assert status(instance) == [state]
        assert Event.objects.count() == events


def a_parent(doorbell):
    """An instance, and the one that its task ``sub`` has started."""
    upload_workflow(source=a_workflow(a_task("work"), name="inner").encode())
    parent = an_instance({"name": "sub", "workflow": "inner"}, name="outer")
    (message,) = doorbell.take()
    deliver(message, doorbell)
    return parent, Instance.objects.get(parent_task__instance=parent)


def what_was_noted(instance, kind):
    event = Event.objects.filter(instance=instance, task__isnull=True, kind=kind).latest("id")
    return event.message, event.data


def assert_no_secret(instance):
    instance.refresh_from_db()
    told = Event.objects.filter(instance=instance).values_list("message", flat=True)
    reasons = Task.objects.filter(instance=instance).values_list("reason", flat=True)
    assert SECRET not in " ".join([instance.error_message, instance.pause_reason, *told, *reasons])


@pytest.mark.parametrize("act", [pause_instance, resume_instance, cancel_instance, retry_instance])
def test_what_is_not_there_is_not_found(doorbell, act):
    with pytest.raises(NotFound):
        act(given="unknown")


@pytest.mark.parametrize(
    ("act", "before", "asked"),
    [
        (pause_instance, InstanceState.RUNNING, InstanceState.PAUSED),
        (retry_instance, InstanceState.FAILED, InstanceState.RUNNING),
        (cancel_instance, InstanceState.FAILED, InstanceState.CANCELLED),
    ],
)
def test_what_is_being_deleted_is_as_good_as_gone(doorbell, act, before, asked):
    instance = in_state(before)
    Instance.objects.filter(pk=instance.pk).update(is_pruning=True)

    with pytest.raises(IllegalMove) as refused:
        act(given=instance.public_id)

    assert (refused.value.facts["state"], refused.value.facts["wanted"]) == ("gone", asked)


class TestPause:
    def test_what_runs_may_finish_and_nothing_else_starts(self, doorbell):
        instance = an_instance(a_task("runs"), a_task("waits"), a_task("after", needs=["runs"]))
        held = claim(task(instance, "runs"))

        pause_instance(given=instance.public_id, by="ada", reason="lunch")

        assert report_outcome(claim=held, outcome=Completed())
        sweep_now()
        assert status(instance, "runs", "waits", "after") == ["paused", "completed", "pending", "pending"]
        assert what_was_noted(instance, "instance.paused") == ("lunch", {"by": "ada"})
        assert instance.pause_reason == "lunch"

    def test_what_was_published_or_planned_is_released(self, doorbell):
        instance = an_instance(*a_chain(3))
        (message,) = doorbell.take()
        planned = Task.objects.filter(instance=instance, dispatch_id__isnull=False)
        assert planned.count() == 3

        pause_instance(given=instance.public_id)

        assert not planned.exists()
        assert deliver(message, doorbell) is False
        assert status(instance, "link-0") == ["paused", "pending"]

    def test_now_takes_back_what_runs_and_it_starts_again_at_resume(self, doorbell):
        instance = an_instance(a_task("runs"))
        held = claim(task(instance, "runs"))

        pause_instance(given=instance.public_id, now=True)

        assert status(instance, "runs") == ["paused", "pending"]
        assert not Task.objects.backlog().exists()
        assert ExecutionRecord.objects.get().status == RecordState.INTERRUPTED
        with pytest.raises(StaleDispatch):
            report_outcome(claim=held, outcome=Completed())
        sweep_now()
        assert status(instance, "runs") == ["paused", "pending"]
        resume_instance(given=instance.public_id)
        assert claim(task(instance, "runs")).attempt == 2

    def test_until_a_time_it_ends_by_itself(self, doorbell):
        instance = an_instance(a_task("only"))
        pause_instance(given=instance.public_id, until=clock.now())

        sweep_now()

        assert status(instance, "only") == ["running", "queued"]
        assert what_was_noted(instance, "instance.running")[1]["by"] == "timer"

    def test_children_pause_with_their_parent_and_resume_with_it(self, doorbell):
        parent, child = a_parent(doorbell)

        pause_instance(given=parent.public_id, by="ada")
        assert (status(parent), status(child, "work")) == (["paused"], ["paused", "pending"])
        resume_instance(given=parent.public_id)

        assert (status(parent), status(child, "work")) == (["running"], ["running", "queued"])

    def test_a_child_that_was_paused_before_stays_so(self, doorbell):
        parent, child = a_parent(doorbell)
        pause_instance(given=child.public_id)

        pause_instance(given=parent.public_id)
        resume_instance(given=parent.public_id)

        assert (status(parent), status(child)) == (["running"], ["paused"])

    def test_only_what_runs_is_paused(self, doorbell):
        refused_in(pause_instance, *(set(InstanceState) - {InstanceState.RUNNING}))

    def test_a_secret_in_the_reason_is_kept_nowhere(self, doorbell):
        instance = an_instance(a_task("only"))

        pause_instance(given=instance.public_id, reason=f"key {SECRET} leaked")

        assert_no_secret(instance)
        assert instance.pause_reason == "key [redacted] leaked"


class TestResume:
    def test_it_goes_on_where_it_was(self, doorbell):
        instance = an_instance(*a_chain(2))
        held = claim(task(instance, "link-0"))
        pause_instance(given=instance.public_id, reason="lunch", until=clock.now())
        report_outcome(claim=held, outcome=Completed())

        resume_instance(given=instance.public_id, by="ada", reason="back")

        assert status(instance, "link-1") == ["running", "queued"]
        assert (instance.pause_reason, instance.paused_until) == ("", None)
        assert what_was_noted(instance, "instance.running")[1] == {"by": "ada"}
        assert drive_to_end(instance, doorbell).status == InstanceState.COMPLETED
        assert_history_is_sound(instance)

    def test_a_secret_in_the_reason_is_kept_nowhere(self, doorbell):
        instance = an_instance(a_task("only"))
        pause_instance(given=instance.public_id)

        resume_instance(given=instance.public_id, reason=f"key {SECRET} is gone")

        assert_no_secret(instance)
        assert what_was_noted(instance, "instance.running")[0] == "key [redacted] is gone"

    def test_only_what_is_paused_is_resumed(self, doorbell):
        refused_in(resume_instance, *(set(InstanceState) - {InstanceState.PAUSED}))


class TestCancel:
    def test_everything_ends_at_once(self, doorbell):
        instance = an_instance(*a_chain(2), a_task("waits"))
        held = claim(task(instance, "link-0"))

        cancel_instance(given=instance.public_id, by="ada", reason="wrong branch")

        assert status(instance, "link-0", "link-1", "waits") == ["cancelled"] * 4
        assert (instance.error_message, instance.finished_at is None) == ("wrong branch", False)
        assert what_was_noted(instance, "instance.cancelled") == ("wrong branch", {"by": "ada"})
        with pytest.raises(StaleDispatch):
            report_outcome(claim=held, outcome=Completed())
        assert_history_is_sound(instance)

    @pytest.mark.parametrize(("by", "told"), [("ada", "cancelled by ada"), ("", "cancelled")])
    def test_without_a_reason_it_says_by_whom(self, doorbell, by, told):
        instance = an_instance(a_task("only"))

        cancel_instance(given=instance.public_id, by=by)

        instance.refresh_from_db()
        assert instance.error_message == told
        assert task(instance, "only").reason == told

    def test_a_paused_one_ends_too(self, doorbell):
        instance = an_instance(a_task("only"))
        pause_instance(given=instance.public_id, until=clock.now())

        cancel_instance(given=instance.public_id, drain=True)
        sweep_now()

        assert status(instance, "only") == ["cancelled"] * 2
        assert instance.paused_until is None

    def test_draining_lets_finish_what_runs(self, doorbell):
        instance = an_instance(*a_chain(2), a_task("waits"))
        held = claim(task(instance, "link-0"))

        cancel_instance(given=instance.public_id, by="ada", drain=True)

        assert status(instance, "link-0", "link-1", "waits") == ["running"] * 2 + ["cancelled"] * 2
        assert what_was_noted(instance, "instance.stopping") == ("cancelled by ada", {"by": "ada"})
        report_outcome(claim=held, outcome=Completed())
        assert status(instance, "link-0") == ["cancelled", "completed"]
        assert_history_is_sound(instance)

    def test_draining_ends_what_runs_nothing_at_once(self, doorbell):
        instance = an_instance(*a_chain(2))

        cancel_instance(given=instance.public_id, drain=True)

        assert status(instance, "link-0", "link-1") == ["cancelled"] * 3

    @pytest.mark.parametrize("drain", [False, True])
    def test_children_end_with_their_parent(self, doorbell, drain):
        parent, child = a_parent(doorbell)

        cancel_instance(given=parent.public_id, by="ada", drain=drain)

        assert status(parent, "sub") == ["cancelled"] * 2
        assert status(child, "work") == ["cancelled"] * 2
        assert child.error_message == ("" if drain else "cancelled by ada")

    def test_a_child_that_runs_something_is_drained_with_its_parent(self, doorbell):
        parent, child = a_parent(doorbell)
        held = claim(task(child, "work"))

        cancel_instance(given=parent.public_id, drain=True)

        assert status(child, "work") == ["running"] * 2
        assert report_outcome(claim=held, outcome=Completed())
        assert status(child, "work") == ["cancelled", "completed"]

    def test_what_is_stopped_at_once_has_its_children_stopped_at_once(self, doorbell):
        parent, child = a_parent(doorbell)
        pause_instance(given=parent.public_id)
        resume_instance(given=child.public_id)
        claim(task(child, "work"))

        cancel_instance(given=parent.public_id, drain=True)  # a paused one has nothing to wait for

        assert status(child, "work") == ["cancelled"] * 2

    def test_a_parent_hears_that_its_child_was_cancelled(self, doorbell):
        parent, child = a_parent(doorbell)

        cancel_instance(given=child.public_id)

        assert status(parent, "sub") == ["failed"] * 2

    def test_the_next_of_its_workflow_starts(self, doorbell):
        first = an_instance(a_task("only"), max_instances=1)
        second = Instance.objects.get(public_id=submit_instance(workflow=first.workflow.public_id))
        assert status(second, "only") == ["pending"] * 2

        cancel_instance(given=first.public_id)

        assert status(second, "only") == ["running", "queued"]

    def test_what_is_undone_later_says_why_it_ended_and_who_asked(self, doorbell):
        instance = an_instance(undoable("good"), a_task("bad", needs=["good"]))
        complete(task(instance, "good"))
        fail(task(instance, "bad"))

        cancel_instance(given=instance.public_id, by="ada", reason="clean up", compensate=True)

        assert status(instance, "good", "undo good") == ["compensating", "compensating", "queued"]
        assert instance.error_message == "bad: as asked"
        assert what_was_noted(instance, "instance.compensating")[1] == {"by": "ada", "tasks": ["good"]}

    def test_what_failed_is_given_up(self, doorbell):
        instance = an_instance(*a_chain(2))
        fail(task(instance, "link-0"))

        cancel_instance(given=instance.public_id, by="ada", reason="no use")

        assert status(instance, "link-0", "link-1") == ["cancelled", "failed", "skipped"]
        assert what_was_noted(instance, "instance.cancelled") == ("no use", {"by": "ada"})

    def test_twice_is_once(self, doorbell):
        instance = an_instance(a_task("only"))
        cancel_instance(given=instance.public_id, reason="first")
        events = Event.objects.count()

        assert cancel_instance(given=instance.public_id, reason="second") == instance.public_id

        assert Event.objects.count() == events

    def test_what_completed_or_is_undone_is_not_cancelled(self, doorbell):
        undone = (InstanceState.COMPENSATING, InstanceState.COMPENSATED)
        refused_in(cancel_instance, InstanceState.COMPLETED, *undone)
        refused_in(cancel_instance, InstanceState.COMPLETED, *undone, drain=True)
        refused_in(cancel_instance, InstanceState.COMPLETED, compensate=True)

    @pytest.mark.parametrize("state", [InstanceState.FAILED, InstanceState.CANCELLED])
    def test_where_nothing_can_be_undone_compensation_is_refused(self, doorbell, state):
        instance = in_state(state)

        with pytest.raises(NothingToUndo):
            cancel_instance(given=instance.public_id, compensate=True)

        assert status(instance) == [state]

    @pytest.mark.parametrize("drain", [False, True])
    def test_a_secret_in_the_reason_is_kept_nowhere(self, doorbell, drain):
        instance = an_instance(*a_chain(2))
        claim(task(instance, "link-0"))

        cancel_instance(given=instance.public_id, reason=f"key {SECRET} leaked", drain=drain)

        assert_no_secret(instance)
        assert task(instance, "link-1").reason == "key [redacted] leaked"


class TestEnd:
    @pytest.mark.parametrize("to", [InstanceState.FAILED, InstanceState.CANCELLED])
    def test_what_has_not_ended_is_ended_as_told(self, doorbell, to):
        instance = an_instance(a_task("only"))

        assert end_instance(instance_id=instance.pk, to=to, reason="time is up", by="timer")

        assert status(instance, "only") == [to, "cancelled"]
        assert what_was_noted(instance, f"instance.{to}") == ("time is up", {"by": "timer"})

    @pytest.mark.parametrize("compensate", [False, True])
    def test_what_has_ended_or_is_undone_stays_as_it_is(self, doorbell, compensate):
        ended = [
            InstanceState(state) for state in sorted(set(InstanceState) - {"pending", "running", "paused"})
        ]
        for state in ended:
            instance = in_state(state)

            assert not end_instance(
                instance_id=instance.pk, to=InstanceState.FAILED, reason="", compensate=compensate
            )

            assert status(instance) == [state]

    def test_what_is_gone_is_passed_over(self, doorbell):
        assert not end_instance(instance_id=0, to=InstanceState.FAILED, reason="")


class TestRetry:
    def test_it_goes_on_from_what_did_not_complete(self, doorbell):
        instance = an_instance(a_task("good"), *a_chain(2))
        complete(task(instance, "good"))
        fail(task(instance, "link-0"))
        kept = task(instance, "good").output

        retry_instance(given=instance.public_id, by="ada", reason="fixed")

        assert status(instance, "good", "link-0", "link-1") == ["running", "completed", "queued", "pending"]
        assert (instance.error_message, instance.finished_at) == ("", None)
        assert drive_to_end(instance, doorbell).status == InstanceState.COMPLETED
        assert task(instance, "good").output == kept
        assert what_was_noted(instance, "instance.running") == ("fixed", {"by": "ada"})
        assert_history_is_sound(instance)

    def test_what_was_cancelled_goes_on_too(self, doorbell):
        instance = an_instance(*a_chain(2))
        claim(task(instance, "link-0"))
        cancel_instance(given=instance.public_id)

        retry_instance(given=instance.public_id)

        assert drive_to_end(instance, doorbell).status == InstanceState.COMPLETED
        assert_history_is_sound(instance)

    def test_what_was_drained_runs_to_its_end_this_time(self, doorbell):
        instance = an_instance(*a_chain(2))
        cancel_instance(given=instance.public_id, drain=True)

        retry_instance(given=instance.public_id)

        assert (status(instance, "link-0"), instance.is_stopping) == (["running", "queued"], False)
        assert drive_to_end(instance, doorbell).status == InstanceState.COMPLETED

    def test_of_a_child_its_parent_decides(self, doorbell):
        parent, child = a_parent(doorbell)
        fail(task(child, "work"))
        assert status(parent, "sub") == ["failed"] * 2

        with pytest.raises(RetryTheParent):
            retry_instance(given=child.public_id)
        assert status(child) == ["failed"]
        retry_instance(given=parent.public_id)

        assert status(parent, "sub") == ["running", "queued"]
        assert drive_to_end(parent, doorbell).status == InstanceState.COMPLETED

    def test_only_what_failed_or_was_cancelled_is_tried_again(self, doorbell):
        retried = {InstanceState.FAILED, InstanceState.CANCELLED}
        refused_in(retry_instance, *(set(InstanceState) - retried))
