"""An error around a commit does not tell whether it went through; the outcome is recorded once."""

import pytest
from django.db import OperationalError, connections

from cpds.base import clock
from tasks_app.errors import StaleDispatch
from tasks_app.models import Event, ExecutionRecord, Task
from tasks_app.outcomes import Completed, Failed, Interrupted
from tasks_app.services.attempts import claims, reports
from tasks_app.services.attempts.reports import report_outcome
from tasks_app.states import RecordState, TaskState
from tests.support.builders import a_chain
from tests.support.driving import claim, drive_to_end, let_time_pass
from tests.support.engine import an_instance, assert_history_is_sound, task

pytestmark = pytest.mark.django_db(transaction=True)
OUTCOMES = {
    TaskState.COMPLETED: Completed(output="result"),
    TaskState.FAILED: Failed(kind="exception", message="no"),
    TaskState.QUEUED: Interrupted(reason="shutdown"),
}


@pytest.fixture
def instance(doorbell, fleet):
    return an_instance(*a_chain(2))


@pytest.fixture
def held(instance, monkeypatch):
    monkeypatch.setattr(reports, "RETRY_PAUSE_SECONDS", 0)
    return claim(task(instance, "link-0"))


@pytest.fixture
def commits_break(monkeypatch):
    """Make the next commits raise: ``commits_break(2, went_through=True)``."""
    backend = type(connections["default"])
    commit = backend._commit

    def break_them(times, *, went_through):
        left = [times]

        def broken(self):
            if left[0] == 0:
                return commit(self)
            left[0] -= 1
            if went_through:
                commit(self)
            raise OperationalError("the connection broke")

        monkeypatch.setattr(backend, "_commit", broken)

    return break_them


@pytest.mark.parametrize("state", OUTCOMES)
@pytest.mark.parametrize("went_through", [True, False], ids=["after-the-commit", "before-the-commit"])
@pytest.mark.parametrize("times", [1, 3])
def test_the_outcome_is_recorded_once(instance, held, commits_break, state, went_through, times):
    commits_break(1 if went_through else times, went_through=went_through)

    done = report_outcome(claim=held, outcome=OUTCOMES[state])

    assert done is (state == TaskState.COMPLETED)
    row = task(instance, "link-0")
    assert row.status == state
    assert ExecutionRecord.objects.filter(task=row).exclude(status="running").count() == 1
    kind = "task.pending" if state == TaskState.QUEUED else f"task.{state}"
    assert Event.objects.filter(task=row, kind=kind).count() == 1


@pytest.mark.parametrize("went_through", [True, False], ids=["after-the-commit", "before-the-commit"])
def test_a_claim_is_had_whether_its_commit_went_through(instance, commits_break, went_through):
    row = task(instance, "link-0")
    commits_break(1, went_through=went_through)

    held = claim(row)

    row.refresh_from_db()
    assert (row.status, row.attempts, held.attempt, held.name) == (TaskState.RUNNING, 1, 1, "link-0")
    assert report_outcome(claim=held, outcome=OUTCOMES[TaskState.COMPLETED])


def test_what_another_thread_of_the_worker_has_is_left_to_it(instance, commits_break, monkeypatch):
    row = task(instance, "link-0")
    take = claims._take

    def broken(*_, **__):
        monkeypatch.setattr(claims, "_take", take)
        claim(row)
        raise OperationalError("the connection broke")

    monkeypatch.setattr(claims, "_take", broken)

    with pytest.raises(StaleDispatch):
        claim(row)

    assert ExecutionRecord.objects.filter(task=row).count() == 1


def test_a_claim_whose_commit_was_under_way_is_had(instance, monkeypatch):
    row = task(instance, "link-0")
    take, tries = claims._take, []

    def late(*given, **more):
        tries.append(True)
        if len(tries) == 1:
            raise OperationalError("the connection broke")
        take(*given, **more)  # what the first commit brings, while the second one waits for the row
        raise StaleDispatch(task_id=row.pk, dispatch_id=row.dispatch_id)

    monkeypatch.setattr(claims, "_take", late)

    assert report_outcome(claim=claim(row), outcome=OUTCOMES[TaskState.COMPLETED])


@pytest.mark.parametrize("status", [RecordState.FAILED, RecordState.INTERRUPTED])
def test_how_somebody_else_ended_the_attempt_is_not_taken_for_its_outcome(
    held, commits_break, monkeypatch, status
):
    def stopped_meanwhile(_):
        ExecutionRecord.objects.filter(task_id=held.task_id).update(status=status)
        Task.objects.filter(pk=held.task_id).update(status=TaskState.CANCELLED)

    monkeypatch.setattr(reports._resting, "wait", stopped_meanwhile)
    commits_break(1, went_through=False)

    with pytest.raises(StaleDispatch):
        report_outcome(claim=held, outcome=OUTCOMES[TaskState.COMPLETED])


def test_a_hand_back_in_doubt_is_not_found_in_what_revoked_the_attempt(held, commits_break, monkeypatch):
    def revoked_meanwhile(_):
        ExecutionRecord.objects.filter(task_id=held.task_id).update(
            status=RecordState.INTERRUPTED, revoked_until=clock.database_now_plus(30)
        )
        Task.objects.filter(pk=held.task_id).update(status=TaskState.CANCELLED)

    monkeypatch.setattr(reports._resting, "wait", revoked_meanwhile)
    commits_break(1, went_through=False)

    with pytest.raises(StaleDispatch):
        report_outcome(claim=held, outcome=OUTCOMES[TaskState.QUEUED])


def test_what_was_recorded_is_looked_up_again_when_that_look_breaks_too(held, commits_break, monkeypatch):
    look, breaks = reports._is_recorded, [True]

    def broken(claim, record):
        if breaks:
            breaks.pop()
            raise OperationalError("the connection broke")
        return look(claim, record)

    monkeypatch.setattr(reports, "_is_recorded", broken)
    commits_break(1, went_through=True)

    assert report_outcome(claim=held, outcome=OUTCOMES[TaskState.COMPLETED])


@pytest.mark.parametrize("went_through", [True, False])
def test_the_instance_goes_on(instance, held, commits_break, doorbell, went_through):
    commits_break(1, went_through=went_through)
    (message,) = doorbell.take()
    report_outcome(claim=held, outcome=OUTCOMES[TaskState.COMPLETED])
    doorbell.completed(message)

    assert drive_to_end(instance, doorbell).status == "completed"
    assert_history_is_sound(instance)


def test_a_database_that_stays_away_is_given_up_when_the_lease_is_over(held, commits_break, settings):
    settings.CPDS = {**settings.CPDS, "lease_seconds": 0}
    commits_break(100, went_through=False)

    with pytest.raises(OperationalError):
        report_outcome(claim=held, outcome=OUTCOMES[TaskState.COMPLETED])

    assert Task.objects.get(pk=held.task_id).status == TaskState.RUNNING


def test_an_outcome_given_up_is_rescued(instance, held, commits_break, settings, doorbell, monkeypatch):
    with monkeypatch.context():
        settings.CPDS = {**settings.CPDS, "lease_seconds": 0}
        commits_break(1, went_through=False)
        with pytest.raises(OperationalError):
            report_outcome(claim=held, outcome=OUTCOMES[TaskState.COMPLETED])
    settings.CPDS = {**settings.CPDS, "lease_seconds": 30}
    let_time_pass()

    assert drive_to_end(instance, doorbell).status == "completed"
    assert_history_is_sound(instance)
