"""Whatever a worker over HTTP asks or says tells that it lives, and not only a heartbeat."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cpds.base import clock
from tasks_app.services.maintenance.sweep import sweep
from tasks_app.states import TaskState
from tests.api.workers.test_workers import HttpWorker, created, status_of
from workers_app.fleet.workers import lost_holders
from workers_app.models import Worker
from workers_app.transports.http import claims

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(people):
    return HttpWorker(people.worker())


def lapse():
    """Let more than three heartbeats pass without a word."""
    Worker.objects.update(
        heartbeat_at=clock.database_now_plus(-31), silent_at=clock.database_now_plus(-1), left_at=None
    )
    assert lost_holders()


def swept(fleet):
    fleet.gone = lost_holders()
    sweep()


def claim(worker, row):
    assert len(worker.claim()) == 1


def assign(worker, row):
    body = {"task_id": row.task_id, "worker_id": worker.id}
    assert worker.client.post("/api/tasks/assign", body).status_code == 200


@pytest.mark.parametrize("take", [claim, assign])
def test_one_that_was_idle_for_long_keeps_what_it_is_given(people, worker, fleet, take):
    [row] = created(people, {"task_id": "T"})
    lapse()

    take(worker, row)
    swept(fleet)

    assert status_of(row) == TaskState.RUNNING


@pytest.mark.parametrize(
    ("act", "body"),
    [("progress", {"progress": 0.5}), ("logs", {"lines": ["on it"]}), ("release", {"reason": "later"})],
)
def test_a_word_on_a_claim_is_a_sign_of_life(people, worker, act, body):
    created(people, {})
    [held] = worker.claim()
    lapse()

    worker.say(held, act, body)

    assert lost_holders() == set()


def test_one_that_asks_in_vain_is_there(people, worker):
    lapse()

    assert worker.claim() == []
    assert lost_holders() == set()


def test_one_that_waited_for_long_keeps_what_it_is_given(people, worker, fleet, monkeypatch):
    [row] = created(people, {})
    asking = Worker.objects.select_related("project").get()

    def after_a_long_wait(*, look, **_):
        lapse()
        asking.heartbeat_at -= timedelta(seconds=31)
        return look()

    monkeypatch.setattr(claims, "wait_for_offer", after_a_long_wait)
    assert claims.claim_batch(worker=asking, limit=1, wait_seconds=30).granted
    swept(fleet)

    assert status_of(row) == TaskState.RUNNING


def test_one_that_was_heard_of_a_moment_ago_costs_no_statement(people, worker):
    created(people, {})

    with CaptureQueriesContext(connection) as seen:
        worker.say(worker.claim()[0], "progress", {"progress": 0.5})

    assert [each["sql"] for each in seen if 'UPDATE "workers_app_worker"' in each["sql"]] == []


def test_one_that_has_left_does_not_come_back_by_asking(people, worker):
    created(people, {})
    worker.post("leave", status=204)
    Worker.objects.update(heartbeat_at=clock.database_now_plus(-31))

    assert worker.claim() == []
    assert Worker.objects.get().left_at is not None
