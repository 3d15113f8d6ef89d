"""Workers that speak HTTP ask at the same moment: each task is given once, and nobody more than its slots."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread

import pytest
from django.db import connection

from tasks_app.errors import NotOffered
from tasks_app.models import ExecutionRecord, Project
from tasks_app.outcomes import Completed
from tasks_app.services.http_workers.assigning import assign
from tasks_app.states import TaskState
from tests.support.engine import assert_history_is_sound
from tests.support.loose import an_external, attempt_at, created, loose
from tests.support.waiting import stays_true
from workers_app.models import Worker
from workers_app.transports.http.claims import claim_batch
from workers_app.transports.http.slots import reserve_slot
from workers_app.transports.http.workers import HttpRegistration, register_http_worker

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 50


def test_fifty_assign_one_task_and_one_wins():
    created(an_external("wanted"), an_external("after", needs=["wanted"]))
    start = Barrier(WORKERS)

    def ask(number):
        try:
            task = loose("wanted")
            start.wait(timeout=60)
            return assign(task=task, worker=f"worker-{number}").worker
        except NotOffered:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        winners = [winner for winner in pool.map(ask, range(WORKERS)) if winner is not None]

    assert [loose("wanted").worker] == winners
    assert loose("wanted").status == TaskState.RUNNING
    assert ExecutionRecord.objects.count() == 1
    attempt_at(loose("wanted")).end(outcome=Completed())
    assert loose("after").ready_at is not None
    assert_history_is_sound()


def a_worker_of(slots):
    return register_http_worker(
        project_id=Project.objects.default().pk,
        registration=HttpRegistration(name="busy", worker_id="W-1", slots=slots),
    )


def test_a_worker_that_asks_twice_at_once_waits_for_its_own_first_question():
    created(an_external("first"), an_external("second", **{"with": {"kind": "other"}}))
    worker, batches = a_worker_of(slots=1), []

    def ask():
        batches.append(claim_batch(worker=worker, limit=1, kinds=["other"]))
        connection.close()

    asking = Thread(target=ask)
    with reserve_slot(worker):
        assign(task=loose("first"), worker=worker.holder)
        asking.start()
        assert stays_true(asking.is_alive, seconds=0.5)
    asking.join(60)

    assert [(batch.granted, batch.is_full) for batch in batches] == [((), True)]
    assert loose("second").status == TaskState.PENDING


def test_a_worker_that_asks_eight_times_at_once_is_given_no_more_than_its_slots(together):
    created(*(an_external(f"T-{number}") for number in range(30)))
    a_worker_of(slots=5)

    def ask():
        return claim_batch(worker=Worker.objects.get(), limit=3)

    batches = together(*[ask] * 8)

    assert [batch for batch in batches if isinstance(batch, Exception)] == []
    assert sum(len(batch.granted) for batch in batches) == 5
    assert ExecutionRecord.objects.filter(worker="W-1").count() == 5
