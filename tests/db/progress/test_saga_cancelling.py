"""An instance that is cancelled with compensation is undone once what ran has stopped."""

import pytest

from cpds.base import clock
from tasks_app.errors import IllegalMove, NothingToUndo, StaleDispatch
from tasks_app.models import ExecutionRecord
from tasks_app.outcomes import Completed, Failed
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.instances import pause_instance, resume_instance, retry_instance
from tasks_app.states import TaskState
from tests.support.builders import a_task
from tests.support.driving import claim, stopped, sweep_now
from tests.support.engine import an_instance, task
from tests.support.undoing import (
    drive,
    failing,
    names_in,
    undo_order,
    undoable,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _in_process(fleet):
    """Slots without a worker."""


class TestCancelling:
    def running(self):
        instance = an_instance(undoable("a"), undoable("b", needs=["a"]), undoable("c", needs=["b"]))
        report_outcome(claim=claim(task(instance, "a")), outcome=Completed(output=1))
        return instance, claim(task(instance, "b"))

    def test_what_was_told_to_stop_is_waited_for(self, doorbell):
        instance, held = self.running()

        cancel_instance(given=instance.public_id, by="ann", reason="wrong branch", compensate=True)

        instance.refresh_from_db()
        assert (instance.status, instance.error_message) == ("compensating", "wrong branch")
        assert names_in(instance, TaskState.CANCELLED) == {"b", "c"}
        sweep_now()
        assert task(instance, "undo a").status == "pending"
        with pytest.raises(StaleDispatch):
            report_outcome(claim=held, outcome=Completed())
        stopped(held)
        assert task(instance, "undo a").status == "queued"
        assert drive(instance, doorbell, failing()).status == "compensated"
        assert undo_order(instance) == ["a"]

    def test_a_worker_that_never_lets_go_is_waited_for_until_its_lease_ends(self, doorbell):
        instance, _ = self.running()
        cancel_instance(given=instance.public_id, compensate=True)
        ExecutionRecord.objects.filter(task__name="b").update(revoked_until=clock.database_now_plus(-1))

        assert sweep_now().undoing == 1

        assert task(instance, "undo a").status == "queued"
        assert sweep_now().undoing == 0

    def test_a_late_word_of_an_older_attempt_frees_nothing(self, doorbell):
        instance, held = self.running()
        pause_instance(given=instance.public_id, now=True)
        resume_instance(given=instance.public_id)
        newer = claim(task(instance, "b"))
        cancel_instance(given=instance.public_id, compensate=True)

        stopped(held)
        assert task(instance, "undo a").status == "pending"
        stopped(newer)
        assert task(instance, "undo a").status == "queued"

    def test_with_drain_what_runs_finishes_and_is_undone_too(self, doorbell):
        instance, held = self.running()
        cancel_instance(given=instance.public_id, reason="enough", drain=True, compensate=True)
        instance.refresh_from_db()
        assert instance.status == "running"
        assert names_in(instance, TaskState.CANCELLED) == {"c"}

        report_outcome(claim=held, outcome=Completed())

        assert drive(instance, doorbell, failing()).status == "compensated"
        assert undo_order(instance) == ["b", "a"]
        assert instance.error_message == "enough"

    def test_with_drain_a_failure_of_what_runs_hinders_nothing(self, doorbell):
        instance, held = self.running()
        cancel_instance(given=instance.public_id, drain=True, compensate=True)

        report_outcome(claim=held, outcome=Failed(kind="exception", message="no"))

        assert drive(instance, doorbell, failing()).status == "compensated"
        assert undo_order(instance) == ["a"]

    def test_a_paused_instance_is_compensated(self, doorbell):
        instance, _ = self.running()
        pause_instance(given=instance.public_id, now=True)

        cancel_instance(given=instance.public_id, compensate=True)

        instance.refresh_from_db()
        assert instance.status == "compensating"
        assert task(instance, "undo a").status == "pending"  # the paused attempt may not have stopped yet
        ExecutionRecord.objects.update(revoked_until=clock.database_now_plus(-1))
        assert drive(instance, doorbell, failing()).status == "compensated"

    @pytest.mark.parametrize("drain", [False, True])
    def test_with_nothing_to_undo_it_is_cancelled(self, doorbell, drain):
        instance = an_instance(a_task("plain"), a_task("rest", needs=["plain"]))

        cancel_instance(given=instance.public_id, compensate=True, drain=drain)

        instance.refresh_from_db()
        assert instance.status == "cancelled"

    def test_what_failed_or_was_cancelled_is_undone_later(self, doorbell):
        instance, _ = self.running()
        cancel_instance(given=instance.public_id)
        ExecutionRecord.objects.update(revoked_until=clock.database_now_plus(-1))

        cancel_instance(given=instance.public_id, compensate=True)

        assert drive(instance, doorbell, failing()).status == "compensated"
        cancel_instance(given=instance.public_id, compensate=True)  # harmless when repeated

    def test_an_ended_instance_with_nothing_to_undo_says_so(self, doorbell):
        instance = drive(an_instance(a_task("bad")), doorbell, failing("bad"))

        with pytest.raises(NothingToUndo):
            cancel_instance(given=instance.public_id, compensate=True)

        instance.refresh_from_db()
        assert instance.status == "failed"

    def test_what_completed_is_not_undone(self, doorbell):
        instance = drive(an_instance(undoable("a")), doorbell, failing())

        with pytest.raises(IllegalMove):
            cancel_instance(given=instance.public_id, compensate=True)

    def test_what_is_being_compensated_is_neither_cancelled_nor_paused(self, doorbell):
        instance, _ = self.running()
        cancel_instance(given=instance.public_id, compensate=True)

        for act in (cancel_instance, pause_instance, retry_instance):
            with pytest.raises(IllegalMove):
                act(given=instance.public_id)
