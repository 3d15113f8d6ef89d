"""Workers under ``/api`` without a version, as their clients' documents have them."""

import pytest

from cpds.base import clock
from tasks_app.models import Task
from tests.api.compat.cpds_tasks import created, ids, registered
from workers_app.models import Worker

pytestmark = pytest.mark.django_db


def seconds_left(task):
    return (Task.objects.get(task_id=task).lease_expires_at - clock.now()).total_seconds()


class TestRegister:
    """CG-11."""

    def test_it_answers_with_the_id_and_a_message(self, curl):
        body = {"worker_id": "W-1", "worker_name": "one", "platform": "darwin"}

        told = curl.post("/api/workers/register", body)

        assert told.status_code == 200
        assert told.body == {
            "success": True,
            "data": {"worker_id": "W-1", "message": "Worker registered successfully"},
        }

    def test_it_takes_a_client_that_sends_its_id_and_name_only(self, curl):
        assert curl.post("/api/workers/register", {"worker_id": "W-1", "name": "one"}).status_code == 200

    @pytest.mark.parametrize("body", [{}, {"worker_id": "W-1"}, {"worker_name": "one"}])
    def test_it_says_what_is_missing(self, curl, body):
        told = curl.post("/api/workers/register", body)

        assert told.status_code == 400
        assert (told.body["success"], told.body["error"]) == (False, "Missing required fields")

    def test_a_worker_that_comes_again_is_the_same(self, curl):
        registered(curl)
        registered(curl, worker_name="renamed")

        assert [each["worker_name"] for each in curl.get("/api/workers").body["data"]["workers"]] == [
            "renamed"
        ]

    def test_one_that_comes_again_was_started_anew(self, curl):
        worker, task = registered(curl), created(curl)
        curl.post("/api/tasks/assign", {"task_id": task, "worker_id": worker})

        registered(curl)

        assert ids(curl.get("/api/tasks/pending")) == [task]

    def test_one_that_comes_again_keeps_the_tasks_it_names(self, curl):
        worker = registered(curl)
        for task in ("A", "B"):
            curl.post("/api/tasks/assign", {"task_id": created(curl, task), "worker_id": worker})
        Task.objects.update(lease_expires_at=clock.database_now_plus(1))

        registered(curl, task_ids=["B", "unknown"])

        assert ids(curl.get("/api/tasks/pending")) == ["A"]
        assert ids(curl.get("/api/tasks/running")) == ["B"]
        assert seconds_left("B") > 290

    def test_one_that_registers_to_stay_alive_may_still_end_its_task(self, curl):
        worker, task = registered(curl), created(curl)
        curl.post("/api/tasks/assign", {"task_id": task, "worker_id": worker})
        registered(curl)

        told = curl.post("/api/tasks/complete", {"task_id": task, "worker_id": worker, "output": 1})

        assert told.status_code == 200
        assert ids(curl.get("/api/tasks/completed")) == [task]


class TestHeartbeat:
    """CG-12."""

    def test_it_is_received(self, curl):
        worker = registered(curl)

        told = curl.post("/api/workers/heartbeat", {"worker_id": worker})

        assert told.body == {"success": True, "data": {"message": "Heartbeat received"}}

    def test_it_needs_the_id(self, curl):
        told = curl.post("/api/workers/heartbeat", {})

        assert (told.status_code, told.body["error"]) == (400, "worker_id is required")

    def test_an_unknown_worker_is_told_so(self, curl):
        assert curl.post("/api/workers/heartbeat", {"worker_id": "nobody"}).status_code == 404

    def test_it_keeps_what_the_worker_holds(self, curl):
        worker, task = registered(curl), created(curl)
        curl.post("/api/tasks/assign", {"task_id": task, "worker_id": worker})
        Task.objects.update(lease_expires_at=clock.now())

        curl.post("/api/workers/heartbeat", {"worker_id": worker})

        assert seconds_left(task) > 290

    def test_it_keeps_only_the_tasks_it_names(self, curl):
        worker = registered(curl)
        for task in ("A", "B"):
            curl.post("/api/tasks/assign", {"task_id": created(curl, task), "worker_id": worker})
        Task.objects.update(lease_expires_at=clock.database_now_plus(1))

        curl.post("/api/workers/heartbeat", {"worker_id": worker, "task_ids": ["A"]})

        assert seconds_left("A") > 290
        assert seconds_left("B") < 2

    def test_a_report_keeps_the_task_it_is_about(self, curl):
        worker = registered(curl)
        for task in ("A", "B"):
            curl.post("/api/tasks/assign", {"task_id": created(curl, task), "worker_id": worker})
        Task.objects.update(lease_expires_at=clock.database_now_plus(1))

        curl.post("/api/tasks/progress", {"task_id": "A", "worker_id": worker, "progress": 5})

        assert seconds_left("A") > 290
        assert seconds_left("B") < 2

    def test_one_that_names_none_keeps_none(self, curl):
        worker, task = registered(curl), created(curl)
        curl.post("/api/tasks/assign", {"task_id": task, "worker_id": worker})
        Task.objects.update(lease_expires_at=clock.database_now_plus(1))

        curl.post("/api/workers/heartbeat", {"worker_id": worker, "task_ids": []})

        assert seconds_left(task) < 2


class TestWorkers:
    """CG-13."""

    def test_each_has_the_documented_keys(self, curl):
        registered(curl, capabilities=["git", "claude"])

        told = curl.get("/api/workers").body["data"]

        assert told["count"] == 1
        assert told["workers"][0] == {
            "worker_id": "WORKER-1",
            "worker_name": "one",
            "platform": "linux",
            "status": "idle",
            "last_heartbeat": told["workers"][0]["last_heartbeat"],
            "registered_at": told["workers"][0]["registered_at"],
            "capabilities": ["claude", "git"],
            "current_task": None,
            "tasks_completed": 0,
        }

    def test_one_that_works_says_at_what(self, curl):
        worker, task = registered(curl), created(curl, priority="high")
        curl.post("/api/tasks/assign", {"task_id": task, "worker_id": worker})

        shown = curl.get("/api/workers").body["data"]["workers"][0]

        assert shown["status"] == "busy"
        current = shown["current_task"]
        assert set(current) == {"task_id", "title", "status", "progress", "priority", "created_at"}
        assert (current["task_id"], current["status"], current["priority"]) == (task, "in_progress", "high")

    def test_one_that_was_silent_for_five_minutes_is_gone(self, curl):
        registered(curl)
        Worker.objects.update(silent_at=clock.now())

        assert curl.get("/api/workers").body["data"] == {"workers": [], "count": 0}

    def test_the_newest_comes_first(self, curl):
        for worker in ("W-1", "W-2", "W-3"):
            registered(curl, worker)

        told = curl.get("/api/workers").body["data"]["workers"]

        assert [each["worker_id"] for each in told] == ["W-3", "W-2", "W-1"]
