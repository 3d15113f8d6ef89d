"""Tasks under ``/api`` without a version, as their clients' documents have them."""

import re

import pytest

from cpds import __version__
from tasks_app.models import Task
from tests.api.compat.cpds_tasks import TASK_KEYS, created, ids, registered

pytestmark = pytest.mark.django_db


def test_the_life_of_a_task(curl):
    worker, task = registered(curl), created(curl)

    assert ids(curl.get("/api/tasks/pending")) == [task]
    assigned = curl.post("/api/tasks/assign", {"task_id": task, "worker_id": worker})
    assert assigned.status_code == 200, assigned.body
    assert assigned.body == {
        "success": True,
        "data": {"task_id": task, "worker_id": worker, "message": "Task assigned successfully"},
    }
    assert ids(curl.get("/api/tasks/running")) == [task]
    progress = curl.post("/api/tasks/progress", {"task_id": task, "progress": 40, "message": "on it"})
    assert progress.body == {"success": True, "data": {"message": "Progress updated"}}
    assert curl.get(f"/api/tasks/{task}").body["data"]["progress"] == 40
    done = curl.post("/api/tasks/complete", {"task_id": task, "result": "done"})
    assert done.body == {"success": True, "data": {"message": "Task completed"}}
    shown = curl.get(f"/api/tasks/{task}").body["data"]
    assert set(shown) == TASK_KEYS
    assert (shown["status"], shown["result"], shown["output"]) == ("completed", "done", "done")
    assert (shown["progress"], shown["assigned_to"]) == (100, worker)
    assert ids(curl.get("/api/tasks/completed")) == [task]


class TestCreate:
    """CG-14, CG-24."""

    def test_it_answers_200_with_the_clients_own_id(self, curl):
        body = {"task_id": "TASK-001", "title": "Build it", "description": "All of it", "priority": "high"}

        told = curl.post("/api/tasks/create", body)

        assert told.status_code == 200
        assert told.body == {
            "success": True,
            "data": {"task_id": "TASK-001", "message": "Task created successfully"},
        }

    def test_what_is_left_out_has_a_default(self, curl):
        registered(curl)

        task_id = curl.post("/api/tasks/create", {}).body["data"]["task_id"]

        assert re.fullmatch(r"TASK-[0-9A-F]{8}", task_id)
        shown = curl.get(f"/api/tasks/{task_id}").body["data"]
        assert (shown["title"], shown["description"], shown["priority"]) == ("Untitled Task", "", "medium")
        assert (shown["status"], shown["assigned_to"], shown["progress"]) == ("pending", None, 0)
        assert (shown["deployment_mode"], shown["dependencies"], shown["tags"]) == ("both", [], [])

    def test_an_id_is_used_once(self, curl):
        created(curl)

        told = curl.post("/api/tasks/create", {"task_id": "TASK-001"})

        assert told.status_code == 409
        assert told.body["success"] is False
        assert Task.objects.count() == 1

    @pytest.mark.parametrize(
        "wrong",
        [
            {"tags": "one"},
            {"dependencies": "TASK-1"},
            {"priority": ["high"]},
            {"title": {"a": 1}},
            {"deployment_mode": "moon"},
        ],
    )
    def test_a_value_of_another_kind_is_refused(self, curl, wrong):
        told = curl.post("/api/tasks/create", wrong)

        assert told.status_code == 400, told.body
        assert told.body["errors"][0]["pointer"] == f"/{next(iter(wrong))}"
        assert not Task.objects.exists()

    @pytest.mark.parametrize(
        ("given", "stored", "word"),
        [
            ("high", 7, "high"),
            ("Medium", 5, "medium"),
            ("low", 2, "low"),
            (9, 9, "high"),
            (100, 9, "high"),
            ("1", 1, "low"),
            ("10", 9, "high"),
            (" -4 ", 0, "low"),
            (-4, 0, "low"),
        ],
    )
    def test_priorities_are_words_or_numbers(self, curl, given, stored, word):
        task = created(curl, priority=given)

        assert Task.objects.get(task_id=task).priority == stored
        assert curl.get(f"/api/tasks/{task}").body["data"]["priority"] == word

    def test_all_documented_keys_come_back(self, curl):
        registered(curl)
        created(curl, "TASK-000")
        given = {
            "tags": ["a", "b"],
            "dependencies": ["TASK-000"],
            "deployment_mode": "cloud",
            "created_by": "somebody",
            "claude_context": "be brief",
        }

        task = created(curl, **given)

        shown = curl.get(f"/api/tasks/{task}").body["data"]
        assert {key: shown[key] for key in given} == given

    def test_without_a_worker_over_http_claude_is_asked(self, curl):
        created(curl, description="Say hello")

        task = Task.objects.get()
        assert task.executor == "claude"
        assert task.spec["with"] == {"prompt": "One\n\nSay hello"}

    def test_while_a_worker_over_http_is_online_it_waits_for_one(self, curl):
        registered(curl)
        created(curl)

        assert Task.objects.get().executor == "external"

    def test_the_body_may_say_who_runs_it(self, curl):
        registered(curl)
        created(curl, run="http_request", **{"with": {"url": "http://localhost:9"}}, requires=["python"])

        task = Task.objects.get()
        assert (task.executor, task.requires) == ("http_request", ["python"])

    def test_a_key_of_no_client_is_passed_over(self, curl):
        assert curl.post("/api/tasks/create", {"title": "One", "mood": "good"}).status_code == 200

    def test_one_idempotency_key_makes_one_task(self, curl):
        first, again = (
            curl.post("/api/tasks/create", {"title": "One"}, headers={"Idempotency-Key": "k"})
            for _ in range(2)
        )

        assert first.body == again.body
        assert Task.objects.count() == 1


class TestPending:
    """CG-15."""

    def test_the_order_is_high_medium_low_and_then_age(self, curl):
        registered(curl)
        for task, priority in [
            ("L", "low"),
            ("M1", "medium"),
            ("H1", "high"),
            ("M2", "medium"),
            ("H2", "high"),
        ]:
            created(curl, task, priority=priority)

        told = curl.get("/api/tasks/pending")

        assert ids(told) == ["H1", "H2", "M1", "M2", "L"]
        assert (told.body["data"]["count"], told.body["data"]["total"]) == (5, 5)
        assert set(told.body["data"]["tasks"][0]) == TASK_KEYS

    def test_ten_unless_a_limit_says_otherwise(self, curl):
        registered(curl)
        for number in range(12):
            created(curl, f"T{number:02}")

        assert len(ids(curl.get("/api/tasks/pending"))) == 10
        assert len(ids(curl.get("/api/tasks/pending?limit=3"))) == 3
        assert len(ids(curl.get("/api/tasks/pending?limit=100&worker_id=WORKER-1"))) == 12

    def test_what_needs_another_task_is_not_offered_before_that_is_completed(self, curl):
        worker = registered(curl)
        created(curl, "A")
        created(curl, "B", dependencies=["A"], priority="high")

        assert ids(curl.get("/api/tasks/pending")) == ["A"]
        early = curl.post("/api/tasks/assign", {"task_id": "B", "worker_id": worker})
        assert early.status_code == 404
        curl.post("/api/tasks/assign", {"task_id": "A", "worker_id": worker})
        curl.post("/api/tasks/complete", {"task_id": "A", "output": 1})
        assert ids(curl.get("/api/tasks/pending")) == ["B"]

    def test_a_worker_is_shown_and_given_only_what_it_can_do(self, curl):
        able, other = registered(curl, "ABLE", capabilities=["git"]), registered(curl, "OTHER")
        task = created(curl, requires=["git"])

        assert ids(curl.get(f"/api/tasks/pending?worker_id={other}")) == []
        assert ids(curl.get(f"/api/tasks/pending?worker_id={able}&wait=1")) == [task]
        refused = curl.post("/api/tasks/assign", {"task_id": task, "worker_id": other})
        assert refused.status_code == 404
        assert curl.post("/api/tasks/assign", {"task_id": task, "worker_id": able}).status_code == 200


class TestDetail:
    """CG-18."""

    def test_an_unknown_one_is_not_found(self, curl):
        told = curl.get("/api/tasks/TASK-404")

        assert told.status_code == 404
        assert (told.body["success"], told.body["error"]) == (False, "Task not found")


class TestAssign:
    """CG-19."""

    @pytest.mark.parametrize("body", [{}, {"task_id": "T"}, {"worker_id": "W"}])
    def test_it_needs_both_ids(self, curl, body):
        told = curl.post("/api/tasks/assign", body)

        assert (told.status_code, told.body["error"]) == (400, "task_id and worker_id are required")

    def test_a_task_is_assigned_once(self, curl):
        worker, other, task = registered(curl), registered(curl, "WORKER-2"), created(curl)
        body = {"task_id": task, "worker_id": worker}
        curl.post("/api/tasks/assign", body)

        told = curl.post("/api/tasks/assign", {**body, "worker_id": other})

        assert (told.status_code, told.body["error"]) == (404, "Task not found or not pending")

    def test_an_unknown_task_is_told_in_the_same_words(self, curl):
        told = curl.post("/api/tasks/assign", {"task_id": "T", "worker_id": registered(curl)})

        assert (told.status_code, told.body["error"]) == (404, "Task not found or not pending")


class TestProgress:
    """CG-20."""

    def test_it_needs_the_id(self, curl):
        told = curl.post("/api/tasks/progress", {"progress": 5})

        assert (told.status_code, told.body["error"]) == (400, "task_id is required")

    def test_another_worker_is_refused(self, curl):
        worker, other, task = registered(curl), registered(curl, "WORKER-2"), created(curl)
        curl.post("/api/tasks/assign", {"task_id": task, "worker_id": worker})

        told = curl.post("/api/tasks/progress", {"task_id": task, "worker_id": other, "progress": 5})

        assert told.status_code == 409

    @pytest.mark.parametrize("wrong", [101, -1, "half", float("1e300")])
    def test_it_is_in_per_cent(self, curl, wrong):
        told = curl.post("/api/tasks/progress", {"task_id": "T", "progress": wrong})

        assert told.status_code == 400


class TestComplete:
    """CG-21."""

    def test_it_needs_the_id(self, curl):
        told = curl.post("/api/tasks/complete", {"output": 5})

        assert (told.status_code, told.body["error"]) == (400, "task_id is required")

    @pytest.mark.parametrize(
        ("body", "status", "output", "error"),
        [
            ({"result": "r"}, "completed", "r", None),
            ({"output": "o"}, "completed", "o", None),
            ({"result": {"a": [1]}, "error": None}, "completed", {"a": [1]}, None),
            ({"worker_id": "WORKER-1", "output": "o", "status": "completed"}, "completed", "o", None),
            ({"error": "it broke"}, "failed", None, "it broke"),
            ({"output": "o", "status": "failed"}, "failed", None, "failed"),
        ],
    )
    def test_every_documented_body(self, curl, body, status, output, error):
        worker, task = registered(curl), created(curl)
        curl.post("/api/tasks/assign", {"task_id": task, "worker_id": worker})

        told = curl.post("/api/tasks/complete", {"task_id": task, **body})

        assert told.body == {"success": True, "data": {"message": "Task completed"}}
        shown = curl.get(f"/api/tasks/{task}").body["data"]
        assert (shown["status"], shown["output"], shown["error"]) == (status, output, error)

    def test_a_worker_that_never_asked_for_it_may_complete_it(self, curl):
        worker, task = registered(curl), created(curl)

        told = curl.post("/api/tasks/complete", {"task_id": task, "worker_id": worker, "output": 1})

        assert told.status_code == 200
        assert curl.get(f"/api/tasks/{task}").body["data"]["assigned_to"] == worker
        assert curl.get("/api/workers").body["data"]["workers"][0]["tasks_completed"] == 1

    def test_it_is_completed_once(self, curl):
        worker, task = registered(curl), created(curl)
        body = {"task_id": task, "worker_id": worker}
        curl.post("/api/tasks/complete", {**body, "output": 1})

        told = curl.post("/api/tasks/complete", {**body, "output": 2})

        assert told.status_code == 409
        assert curl.get(f"/api/tasks/{task}").body["data"]["output"] == 1

    def test_the_newest_are_listed_first(self, curl):
        registered(curl)
        for task in "ABC":
            created(curl, task)
        for task in "BCA":
            curl.post("/api/tasks/complete", {"task_id": task})

        assert ids(curl.get("/api/tasks/completed")) == ["A", "C", "B"]
        assert ids(curl.get("/api/tasks/completed?limit=1")) == ["A"]


class TestStatus:
    """CG-22."""

    def test_it_has_the_keys_of_all_clients(self, curl):
        worker = registered(curl)
        for task in ("A", "B", "C", "D"):
            created(curl, task)
        curl.post("/api/tasks/assign", {"task_id": "A", "worker_id": worker})
        curl.post("/api/tasks/complete", {"task_id": "B"})
        curl.post("/api/tasks/complete", {"task_id": "C", "error": "no"})

        told = curl.get("/api/status").body["data"]

        assert told == {
            "pending_tasks": 1,
            "in_progress_tasks": 1,
            "completed_tasks": 1,
            "failed_tasks": 1,
            "online_workers": 1,
            "idle_workers": 0,
            "busy_workers": 1,
            "uptime_seconds": told["uptime_seconds"],
            "uptime": told["uptime"],
            "version": __version__,
        }
        assert isinstance(told["uptime_seconds"], int)


def test_health_is_bare(curl):
    assert curl.get("/api/health").body == {"status": "healthy", "mode": "standalone"}
