"""A claim is had by one worker, under the right dispatch, when nothing is in its way."""

from datetime import timedelta

import pytest
from django.db import IntegrityError

from cpds.base import clock
from cpds.base.conf import conf
from tasks_app.errors import StaleDispatch
from tasks_app.models import Event, ExecutionRecord, Instance, Task
from tasks_app.services.attempts.claims import claim_task, claim_without_message, held_claim
from tasks_app.states import InstanceState, RecordState, TaskState
from tests.support.builders import a_chain, a_task
from tests.support.driving import claim, complete
from tests.support.engine import an_instance, task

pytestmark = pytest.mark.django_db


@pytest.fixture
def ready(doorbell):
    instance = an_instance(a_task("only", run="echo", also={"timeout": 7}, word="x"))
    return task(instance, "only")


def assert_untouched(row, before):
    row.refresh_from_db()
    assert (row.status, row.dispatch_id, row.attempts, row.worker) == before
    assert not ExecutionRecord.objects.filter(task=row).exists()
    assert not Event.objects.filter(task=row, kind="task.running").exists()


def facts(row):
    return (row.status, row.dispatch_id, row.attempts, row.worker)


def test_a_published_task_is_claimed(ready):
    held = claim(ready, worker="worker@a")

    ready.refresh_from_db()
    assert (ready.status, ready.worker, ready.attempts) == (TaskState.RUNNING, "worker@a", 1)
    assert (held.task_id, held.dispatch_id, held.attempt) == (ready.pk, ready.dispatch_id, 1)
    assert (held.executor, held.arguments, held.timeout_seconds) == ("echo", {"word": "x"}, 7)


def test_its_lease_runs_from_the_database_s_present(ready):
    claim(ready)

    soon, late = (clock.database_now_plus(conf().lease_seconds + around) for around in (-5, 5))
    assert Task.objects.filter(pk=ready.pk, lease_expires_at__gt=soon, lease_expires_at__lt=late).exists()


def test_its_record_is_opened(ready):
    held = claim(ready, worker="worker@a")

    record = ExecutionRecord.objects.get(task=ready)
    assert (record.number, record.dispatch_id, record.worker) == (1, held.dispatch_id, "worker@a")
    assert (record.status, record.executor, record.finished_at) == (RecordState.RUNNING, "echo", None)


def test_its_event_names_the_worker_and_the_dispatch(ready):
    held = claim(ready, worker="worker@a")

    event = Event.objects.get(task=ready, kind="task.running")
    assert (event.worker, event.attempt) == ("worker@a", 1)
    assert event.data["dispatch"] == held.dispatch_id


@pytest.mark.parametrize("dispatch_id", ["", "another", "0" * 24])
def test_a_wrong_dispatch_claims_nothing(ready, dispatch_id):
    before = facts(ready)

    with pytest.raises(StaleDispatch):
        claim_task(task_id=ready.pk, dispatch_id=dispatch_id, worker="w")

    assert_untouched(ready, before)


def test_a_task_that_is_gone_is_stale(ready):
    with pytest.raises(StaleDispatch):
        claim_task(task_id=ready.pk + 1, dispatch_id=ready.dispatch_id, worker="w")


def test_a_duplicate_claims_nothing(ready):
    first = claim(ready, worker="worker@a")

    with pytest.raises(StaleDispatch):
        claim_task(task_id=ready.pk, dispatch_id=first.dispatch_id, worker="worker@b")

    ready.refresh_from_db()
    assert (ready.worker, ready.attempts) == ("worker@a", 1)
    assert ExecutionRecord.objects.filter(task=ready).count() == 1


def test_a_message_that_comes_again_after_the_end_claims_nothing(ready):
    held = complete(ready)

    with pytest.raises(StaleDispatch):
        claim_task(task_id=ready.pk, dispatch_id=held.dispatch_id, worker="w")


@pytest.mark.parametrize("state", sorted(set(TaskState) - {TaskState.PENDING, TaskState.QUEUED}))
def test_only_a_task_that_has_not_started_is_claimed(ready, state):
    Task.objects.filter(pk=ready.pk).update(status=state)
    ready.refresh_from_db()
    before = facts(ready)

    with pytest.raises(StaleDispatch):
        claim(ready)

    assert_untouched(ready, before)


@pytest.mark.parametrize("state", sorted(set(InstanceState) - {InstanceState.RUNNING}))
def test_nothing_is_claimed_unless_its_instance_runs(ready, state):
    Instance.objects.filter(pk=ready.instance_id).update(status=state)
    before = facts(ready)

    with pytest.raises(StaleDispatch):
        claim(ready)

    assert_untouched(ready, before)


def test_a_follower_that_came_too_early_is_not_claimed(doorbell):
    instance = an_instance(*a_chain(2))
    follower = task(instance, "link-1")
    before = facts(follower)
    assert follower.dispatch_id

    with pytest.raises(StaleDispatch):
        claim(follower)

    assert_untouched(follower, before)


def test_a_follower_is_claimed_under_its_canvas_s_dispatch(doorbell):
    instance = an_instance(*a_chain(2))
    first = complete(task(instance, "link-0"))

    second = claim(task(instance, "link-1"))

    assert second.dispatch_id == first.dispatch_id


def test_a_join_is_not_claimed_before_its_last_dependency_is_done(doorbell):
    instance = an_instance(a_task("left"), a_task("right"), a_task("join", needs=["left", "right"]))
    complete(task(instance, "left"))
    claim(task(instance, "right"))

    with pytest.raises(StaleDispatch):
        claim(task(instance, "join"))


def test_a_second_record_for_one_dispatch_is_refused_and_nothing_is_kept(ready):
    ExecutionRecord.objects.create(
        task=ready, number=9, dispatch_id=ready.dispatch_id, executor="echo", worker="ghost"
    )
    before = facts(ready)

    with pytest.raises(StaleDispatch) as stale:
        claim(ready)

    assert isinstance(stale.value.__cause__, IntegrityError)
    ready.refresh_from_db()
    assert facts(ready) == before
    assert not Event.objects.filter(task=ready, kind="task.running").exists()


@pytest.mark.parametrize("is_lent", [False, True])
def test_without_its_message_a_task_of_another_executor_is_not_claimed(ready, settings, is_lent):
    settings.CPDS = {**settings.CPDS, "http_worker_executors": ["noop"]}
    before = facts(ready)

    with pytest.raises(StaleDispatch):
        claim_without_message(task_id=ready.pk, worker="w", is_lent=is_lent)

    assert_untouched(ready, before)


def test_a_claim_is_found_by_its_worker_and_under_its_dispatch_only(ready):
    held = claim(ready, worker="worker@a")
    given = {"task_id": ready.pk, "dispatch_id": held.dispatch_id}

    assert held_claim(**given, worker="worker@a") == held
    assert held_claim(**given, worker="worker@b") is None
    assert held_claim(task_id=ready.pk, dispatch_id="another", worker="worker@a") is None


def test_a_new_attempt_forgets_what_the_last_one_said(ready):
    Task.objects.filter(pk=ready.pk).update(progress=0.5, progress_message="half", reason="lost")

    claim(ready)

    ready.refresh_from_db()
    assert (ready.progress, ready.progress_message, ready.reason) == (None, "", "")


def test_the_idempotency_key_is_the_task_s_and_not_the_attempt_s(ready):
    first = claim(ready)
    Task.objects.filter(pk=ready.pk).update(status=TaskState.QUEUED, dispatch_id="another")

    second = claim(ready)

    assert second.attempt == 2
    assert first.idempotency_key == second.idempotency_key


def test_a_claim_lasts_as_long_as_the_settings_say(ready, settings):
    settings.CPDS = {**settings.CPDS, "lease_seconds": 600}

    claim(ready)

    ready.refresh_from_db()
    assert ready.lease_expires_at - ready.started_at == pytest.approx(
        timedelta(seconds=600), abs=timedelta(milliseconds=5)
    )
