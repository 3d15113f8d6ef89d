"""The end of an attempt, as its worker says it, over whatever transport: once, twice, too late."""

import pytest

from cpds.base import clock
from tasks_app.errors import StaleDispatch
from tasks_app.models import Event, ExecutionRecord
from tasks_app.outcomes import Completed, Failed, Interrupted
from tasks_app.services.attempts.attempt import Attempt
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.states import RecordState, TaskState
from tests.support.builders import a_chain
from tests.support.driving import claim
from tests.support.engine import an_instance, assert_history_is_sound, task
from tests.support.loose import attempt_at

pytestmark = pytest.mark.django_db
OUTCOMES = [Completed(output=1), Failed(kind="exception", message="no")]


@pytest.fixture
def instance(doorbell, fleet):
    return an_instance(*a_chain(2))


@pytest.fixture
def held(instance):
    return claim(task(instance, "link-0"))


def by_fence(held):
    """Return the attempt of a worker that knows its fence, and nothing else."""
    return Attempt(worker=held.worker, fence=held.fence)


@pytest.mark.parametrize("known", [Attempt.of, by_fence], ids=["with-its-claim", "by-its-fence"])
def test_it_speaks_and_ends_by_its_claim_as_by_its_fence(instance, held, known):
    attempt = known(held)

    attempt.progress(fraction=0.5, message="half")
    attempt.log(lines=["one", "two"])

    assert attempt.end(outcome=Completed(output=1)) is True
    row = task(instance, "link-0")
    assert (row.status, row.progress, row.output) == (TaskState.COMPLETED, 0.5, 1)
    assert Event.objects.filter(task=row, kind="task.log").count() == 2


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_said_again_it_counts_once(instance, held, outcome):
    by_fence(held).end(outcome=outcome)

    assert by_fence(held).end(outcome=outcome) is False

    assert ExecutionRecord.objects.get(task_id=held.task_id).status != RecordState.RUNNING
    assert_history_is_sound(instance)


@pytest.mark.parametrize(
    "then", [OUTCOMES[1], Failed(kind="timeout", message="late"), Interrupted(reason="")]
)
def test_another_word_after_the_first_is_refused(held, then):
    by_fence(held).end(outcome=Completed(output=1))

    with pytest.raises(StaleDispatch):
        by_fence(held).end(outcome=then)


def still_awaited():
    return ExecutionRecord.objects.filter(revoked_until__gt=clock.database_now()).exists()


@pytest.mark.parametrize("known", [Attempt.of, by_fence], ids=["with-its-claim", "by-its-fence"])
@pytest.mark.parametrize("outcome", [*OUTCOMES, Interrupted(reason="told to")])
def test_who_ends_too_late_has_stopped(instance, held, known, outcome):
    cancel_instance(given=instance.public_id)
    assert still_awaited()

    with pytest.raises(StaleDispatch):
        known(held).end(outcome=outcome)

    assert not still_awaited()
    assert task(instance, "link-0").status == TaskState.CANCELLED


def test_who_only_speaks_too_late_has_not_stopped(instance, held):
    cancel_instance(given=instance.public_id)

    for speak in (lambda: by_fence(held).progress(fraction=1), lambda: by_fence(held).log(lines=["x"])):
        with pytest.raises(StaleDispatch):
            speak()

    assert still_awaited()


def test_another_worker_stops_nobody(instance, held):
    cancel_instance(given=instance.public_id)

    with pytest.raises(StaleDispatch):
        attempt_at(task(instance, "link-0"), worker="other", dispatch_id=held.dispatch_id).end(
            outcome=Interrupted(reason="")
        )

    assert still_awaited()
