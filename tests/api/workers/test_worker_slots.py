"""A worker over HTTP that told its slots is given no more at once, at whichever endpoint it asks."""

import pytest

from tasks_app.states import TaskState
from tests.api.workers.test_workers import HttpWorker, created, status_of
from workers_app.models import Worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(people):
    return HttpWorker(people.worker(), slots=2)


def assigned(worker, row):
    body = {"task_id": row.task_id, "worker_id": worker.id}
    return worker.client.post("/api/tasks/assign", body)


def test_a_batch_is_no_larger_than_the_slots(people, worker):
    created(people, {}, {}, {})

    assert len(worker.claim(limit=5)) == 2
    assert worker.claim(limit=5) == []


def test_one_whose_slots_are_taken_is_answered_at_once(people, worker, monkeypatch):
    created(people, {}, {}, {})
    worker.claim(limit=2)
    monkeypatch.setattr(
        "workers_app.transports.http.long_polls.waiters.enter", lambda: pytest.fail("it waits")
    )

    assert worker.claim(limit=1, wait=30) == []


@pytest.mark.parametrize(
    ("act", "body"), [("complete", {"output": 1}), ("fail", {"message": "no"}), ("release", {"reason": "x"})]
)
def test_a_slot_is_free_when_its_task_is_over(people, worker, act, body):
    created(people, {}, {}, {})
    first, _ = worker.claim(limit=2)

    worker.say(first, act, body)

    assert len(worker.claim(limit=5)) == 1


def test_a_task_asked_for_by_its_id_is_refused_and_stays_for_others(people, worker):
    *_, third = rows = created(people, {}, {}, {})
    assert [assigned(worker, row).status_code for row in rows[:2]] == [200, 200]

    refused = assigned(worker, third)

    assert (refused.status_code, refused.body["success"]) == (409, False)
    assert "as many tasks as it has slots: 2" in refused.body["error"]
    assert status_of(third) == TaskState.PENDING
    assert len(HttpWorker(people.worker(), name="other").claim(limit=5)) == 1


def test_both_doors_count_together(people, worker):
    first, *_ = created(people, {}, {}, {})
    assigned(worker, first)

    assert len(worker.claim(limit=5)) == 1
    assert worker.claim() == []


@pytest.mark.parametrize(
    ("path", "facts"),
    [
        ("/api/v1/workers/register", {"id": "W-1", "name": "plain"}),
        ("/api/workers/register", {"worker_id": "W-1", "worker_name": "plain", "platform": "linux"}),
    ],
)
def test_one_that_told_no_slots_takes_what_it_asks_for(people, path, facts):
    rows = created(people, {}, {}, {}, {})
    worker = HttpWorker(people.worker())
    worker.client.post(path, facts)
    worker.id = "W-1"

    assert [assigned(worker, row).status_code for row in rows[:2]] == [200, 200]
    assert len(worker.claim(limit=5)) == 2


def test_one_of_an_earlier_system_may_tell_its_slots(people):
    rows = created(people, {}, {})
    client = people.worker()
    told = client.post("/api/workers/register", {"worker_id": "W-1", "worker_name": "one", "slots": 1})
    worker = HttpWorker(client)
    worker.id = "W-1"

    assert told.status_code == 200
    assert [assigned(worker, row).status_code for row in rows] == [200, 409]


def test_registering_again_tells_anew(people, worker):
    created(people, {}, {}, {}, {}, {})
    worker.claim(limit=2)

    grown = HttpWorker(worker.client, slots=4, id=worker.id)
    assert len(grown.claim(limit=9)) == 4
    unsaid = HttpWorker(worker.client, id=worker.id)
    assert len(unsaid.claim(limit=9)) == 5
    assert Worker.objects.get().slots == 1
