"""What is taken back is ready again under no dispatch, and what was planned with it is free."""

import pytest

from cpds.base import db
from cpds.base.db import TransactionRequired
from tasks_app.errors import StaleDispatch
from tasks_app.models import Event, ExecutionRecord
from tasks_app.services.attempts.claims import claim_task
from tasks_app.services.publishing.release import close_records, release_followers, take_back
from tasks_app.states import RecordState, TaskState
from tests.support.builders import a_chain, a_task
from tests.support.driving import claim, complete
from tests.support.engine import an_instance, task

pytestmark = pytest.mark.django_db


@pytest.fixture
def instance(doorbell):
    return an_instance(*a_chain(3), a_task("other"))


@pytest.mark.parametrize(
    ("is_loss", "losses", "record"), [(True, 1, RecordState.LOST), (False, 0, RecordState.INTERRUPTED)]
)
def test_a_task_taken_back_is_ready_again(instance, is_loss, losses, record):
    row = task(instance, "link-0")
    held = claim(row)

    assert take_back(task_ids=[row.pk], reason="why", is_loss=is_loss) == [row.pk]

    row.refresh_from_db()
    assert (row.status, row.dispatch_id, row.worker, row.losses) == (TaskState.PENDING, None, "", losses)
    assert (row.lease_expires_at, row.reason) == (None, "why")
    assert row.ready_at is not None
    closed = ExecutionRecord.objects.get(task=row)
    assert (closed.status, closed.error_message) == (record, "why")
    assert closed.finished_at is not None
    assert Event.objects.get(task=row, kind="task.pending").message == "why"
    with pytest.raises(StaleDispatch):
        claim_task(task_id=row.pk, dispatch_id=held.dispatch_id, worker="late")


def test_only_what_runs_is_taken_back(instance):
    done = complete(task(instance, "link-0"))
    queued = task(instance, "other")

    assert take_back(task_ids=[done.task_id, queued.pk], reason="", is_loss=True) == []

    assert task(instance, "link-0").status == TaskState.COMPLETED
    assert task(instance, "other").status == TaskState.QUEUED
    assert ExecutionRecord.objects.get().status == RecordState.COMPLETED


def test_followers_are_freed_and_the_ready_among_them_marked(instance):
    held = complete(task(instance, "link-0"))

    assert release_followers(instance_id=instance.pk, dispatch_ids=[held.dispatch_id]) == 2

    second, third = task(instance, "link-1"), task(instance, "link-2")
    assert (second.dispatch_id, third.dispatch_id) == (None, None)
    assert second.ready_at is not None
    assert third.ready_at is None


def test_heads_and_other_canvases_keep_their_dispatch(instance):
    head, other = task(instance, "link-0"), task(instance, "other")

    release_followers(instance_id=instance.pk, dispatch_ids=[head.dispatch_id])

    assert task(instance, "link-0").dispatch_id == head.dispatch_id
    assert task(instance, "other").dispatch_id == other.dispatch_id


def test_another_instance_s_followers_are_not_freed(instance, doorbell):
    dispatch_id = task(instance, "link-0").dispatch_id
    stranger = an_instance(a_task("stranger"), name="another")

    assert release_followers(instance_id=stranger.pk, dispatch_ids=[dispatch_id]) == 0


def test_only_open_records_are_closed(instance):
    done = complete(task(instance, "link-0"))

    close_records(
        claims=[(done.task_id, done.dispatch_id), (done.task_id, None)],
        status=RecordState.LOST,
        kind="worker_lost",
        message="",
    )

    assert ExecutionRecord.objects.get().status == RecordState.COMPLETED


@pytest.mark.django_db(transaction=True)
def test_each_needs_its_caller_s_transaction(instance):
    for act in (
        lambda: take_back(task_ids=[], reason="", is_loss=True),
        lambda: release_followers(instance_id=instance.pk, dispatch_ids=[]),
        lambda: close_records(claims=[], status=RecordState.LOST, kind="", message=""),
    ):
        with pytest.raises(TransactionRequired):
            act()
        with db.transaction():
            act()
