"""Who may report on a task under ``/api`` without a version, and what that needs."""

import pytest

from tasks_app.states import TaskState
from tests.api.compat.cpds_tasks import registered
from tests.api.workers.test_workers import created, status_of
from workers_app.fleet.operators import drain_worker
from workers_app.models import Worker

pytestmark = pytest.mark.django_db
REPORTS = [
    ("/api/tasks/progress", {"progress": 50}),
    ("/api/tasks/complete", {"output": 1}),
    ("/api/tasks/complete", {"error": "no"}),
]


def report(client, path, row, body, **more):
    return client.post(path, {"task_id": row.task_id, **body, **more})


def assigned(client, worker, row):
    return client.post("/api/tasks/assign", {"task_id": row.task_id, "worker_id": worker})


@pytest.fixture
def row(people):
    return created(people, {"task_id": "T-1"})[0]


@pytest.mark.parametrize(("path", "body"), REPORTS)
class TestWithoutANameTo:
    def test_a_workers_token_speaks_for_the_worker_that_holds_it(self, people, row, path, body):
        red = people.worker(pool="red")
        assigned(red, registered(red), row)

        assert report(red, path, row, body).status_code == 200
        assert Worker.objects.get().tasks_completed == ("output" in body)

    def test_a_workers_token_of_another_pool_changes_nothing(self, people, row, path, body):
        red, blue = people.worker(pool="red"), people.worker(pool="blue")
        assigned(red, registered(red), row)

        told = report(blue, path, row, body)

        assert (told.status_code, told.body["error"]) == (400, "worker_id is required")
        assert (status_of(row), row.progress) == (TaskState.RUNNING, None)

    def test_a_workers_token_says_who_reports_what_nobody_holds(self, people, row, path, body):
        assert report(people.worker(), path, row, body).status_code == 400
        assert status_of(row) == TaskState.PENDING

    def test_people_need_not_say_who(self, people, row, path, body):
        assert report(people.client("operator"), path, row, body).status_code == 200
        assert status_of(row) != TaskState.PENDING


@pytest.mark.parametrize(("path", "body"), REPORTS)
class TestOneThatNeverAsked:
    """It is given the task as it reports, if it could have had it."""

    def test_it_may_report(self, people, row, path, body):
        client = people.worker()

        told = report(client, path, row, body, worker_id=registered(client))

        assert told.status_code == 200
        assert status_of(row) != TaskState.PENDING

    def test_it_needs_what_the_task_requires(self, people, path, body):
        [row] = created(people, {"task_id": "T-2", "requires": ["gpu"]})
        client = people.worker()

        told = report(client, path, row, body, worker_id=registered(client))

        assert told.status_code == 409
        assert status_of(row) == TaskState.PENDING

    def test_it_needs_a_slot(self, people, row, path, body):
        [other] = created(people, {"task_id": "T-2"})
        client = people.worker()
        worker = registered(client, slots=1)
        assigned(client, worker, other)

        told = report(client, path, row, body, worker_id=worker)

        assert told.status_code == 409
        assert "as many tasks as it has slots: 1" in told.body["error"]
        assert status_of(row) == TaskState.PENDING

    def test_a_drained_one_is_refused(self, people, row, path, body):
        client = people.worker()
        worker = registered(client)
        drain_worker(worker)

        told = report(client, path, row, body, worker_id=worker)

        assert told.status_code == 409
        assert f"Worker {worker} takes nothing new" in told.body["error"]
        assert status_of(row) == TaskState.PENDING


class TestDrain:
    def test_a_drained_worker_is_given_nothing_it_asks_for(self, people, row):
        client = people.worker()
        worker = registered(client)
        drain_worker(worker)

        told = assigned(client, worker, row)

        assert (told.status_code, told.body["success"]) == (409, False)
        assert f"Worker {worker} takes nothing new" in told.body["error"]
        assert status_of(row) == TaskState.PENDING

    def test_a_drained_worker_ends_what_it_holds(self, people, row):
        client = people.worker()
        worker = registered(client)
        assigned(client, worker, row)
        drain_worker(worker)

        told = report(client, "/api/tasks/complete", row, {"output": 1}, worker_id=worker)

        assert told.status_code == 200
        assert status_of(row) == TaskState.COMPLETED
