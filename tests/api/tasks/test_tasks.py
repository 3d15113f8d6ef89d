"""``/api/v1/tasks``: tasks created on their own, and controlled one by one or by the hundred."""

from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks_app.models import Dependency, ExecutionRecord, Instance, Task
from tasks_app.services.submit.instances import submit_instance
from tasks_app.services.workflows.definitions import upload_workflow
from tests.support.loose import an_external

pytestmark = pytest.mark.django_db
LIGHT = 10
"""Statements for one task: its token, its rows and their events, and the look for what to publish."""


@pytest.fixture
def client(people):
    return people.client("operator")


def created(client, *tasks):
    answer = client.post("/api/v1/tasks", {"tasks": list(tasks)})
    assert answer.status_code == 201, answer.body
    return answer.body["data"]["task_ids"]


def listed(client, query=""):
    answer = client.get(f"/api/v1/tasks{query}")
    assert answer.status_code == 200, answer.body
    return [task["task_id"] for task in answer.body["data"]["items"]]


class TestCreate:
    def test_one_task(self, client, people):
        told = client.post("/api/v1/tasks", {"task_id": "A", "title": "One", "executor": "external"})

        assert told.status_code == 201
        assert told.headers["Location"] == "/api/v1/tasks/A"
        task = Task.objects.select_related("instance").get()
        assert told.body["data"] == {
            "task_id": "A",
            "task_ids": ["A"],
            "instance_id": task.instance.public_id,
            "count": 1,
        }
        assert (task.project, task.created_by) == (people.mine, "mine-operator")

    def test_many_that_need_one_another_and_one_that_is_there(self, client):
        created(client, an_external("there"))

        ids = created(client, an_external("A", needs=["there"]), an_external("B", needs=["A"]))

        assert ids == ["A", "B"]
        assert Dependency.objects.count() == 2
        assert client.get("/api/v1/tasks/A").body["data"]["needs"] == ["there"]

    @pytest.mark.any_database
    def test_ten_thousand_in_one_request_and_some_statements(self, client):
        tasks = [an_external(f"T{number}") for number in range(10_000)]

        with CaptureQueriesContext(
            connection,
        ) as seen:
            created(client, *tasks)

        assert Task.objects.count() == 10_000
        assert len(seen) < 200

    def test_one_task_is_light(self, client):
        client.post("/api/v1/tasks", an_external("first"))

        with CaptureQueriesContext(connection) as seen:
            client.post("/api/v1/tasks", an_external("second"))

        statements = [each["sql"] for each in seen if "SAVEPOINT" not in each["sql"]]
        assert len(statements) <= LIGHT, "\n".join(statements)

    def test_every_problem_is_told_with_its_place_and_nothing_is_created(self, client):
        wrong = [{"needs": ["nothing"], "executor": "external"}, {"priority": "soon", "executor": "external"}]

        told = client.post("/api/v1/tasks", {"tasks": wrong})

        assert told.status_code == 422
        assert any(each["pointer"].startswith("/tasks/1") for each in told.body["errors"])
        assert not Task.objects.exists()

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ([], ""),
            ({"tasks": {}}, "/tasks"),
            ({"tasks": [], "title": "x"}, "/title"),
            ({"project": 5}, "/project"),
        ],
    )
    def test_a_body_of_another_kind_is_refused(self, client, body, pointer):
        told = client.post("/api/v1/tasks", body)

        assert told.status_code == 400, told.body
        assert told.body["errors"][0]["pointer"] == pointer

    def test_an_id_is_used_once(self, client):
        created(client, an_external("A"))

        assert client.post("/api/v1/tasks", an_external("A")).status_code == 409

    def test_one_idempotency_key_makes_one_task(self, client):
        key = {"Idempotency-Key": "k"}

        first = client.post("/api/v1/tasks", {"executor": "external"}, headers=key)
        again = client.post("/api/v1/tasks", {"executor": "external"}, headers=key)
        other = client.post("/api/v1/tasks", {"executor": "external", "title": "x"}, headers=key)

        assert first.body == again.body
        assert again.headers["Idempotency-Replayed"] == "true"
        assert other.status_code == 422
        assert Task.objects.count() == 1


class TestList:
    def test_the_newest_come_first_page_by_page(self, client):
        created(client, *(an_external(f"T{number}") for number in range(5)))

        first = client.get("/api/v1/tasks?limit=2").body["data"]
        second = client.get(f"/api/v1/tasks?limit=2&cursor={first['next']}").body["data"]

        assert [each["task_id"] for each in first["items"] + second["items"]] == ["T4", "T3", "T2", "T1"]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("?status=pending", ["B", "A"]),
            ("?status=running", []),
            ("?status=running&status=pending", ["B", "A"]),
            ("?tag=red", ["A"]),
            ("?tag=re", []),
            ("?tag=" + quote("grün \"x'"), ["B"]),
            ("?priority=high", ["B"]),
            ("?priority=7", ["B"]),
            ("?executor=external", ["B", "A"]),
            ("?executor=claude", []),
            ("?worker=W", []),
            ("?created_by=mine-operator", ["B", "A"]),
            ("?search=alph", ["A"]),
            ("?created_after=2020-01-01T00:00:00Z", ["B", "A"]),
            ("?created_before=2020-01-01T00:00:00Z", []),
            ("?only_loose=true", ["B", "A"]),
            ("?project=mine", ["B", "A"]),
        ],
    )
    def test_filters(self, client, query, found):
        created(
            client,
            an_external("A", title="Alpha", tags=["red", "green"]),
            an_external("B", priority="high", tags=["grün \"x'"]),
        )

        assert listed(client, query) == found

    @pytest.mark.parametrize("query", ["?status=lost", "?priority=10", "?mood=good", "?created_after=soon"])
    def test_what_is_not_known_is_refused(self, client, query):
        assert client.get(f"/api/v1/tasks{query}").status_code == 400

    def test_an_instance_that_is_not_there_is_a_mistake(self, client, people):
        theirs = people.client("operator", "theirs").post("/api/v1/tasks", an_external("A")).body["data"]

        for given in ("nope", theirs["instance_id"]):
            listed_by = client.get(f"/api/v1/tasks?instance={given}")
            steered_by = client.post("/api/v1/tasks/bulk/cancel", {"instance": given})

            assert (listed_by.status_code, steered_by.status_code) == (400, 400)
            flaws = [*listed_by.body["errors"], *steered_by.body["errors"]]
            assert [(each["pointer"], each["code"]) for each in flaws] == [
                ("?instance", "unknown_instance"),
                ("/instance", "unknown_instance"),
            ]

    def test_tasks_of_workflows_are_there_too(self, client, people):
        upload = upload_workflow(
            source=b"name: w\ntasks:\n  - {name: a, run: external}\n", project=people.mine
        )
        instance = submit_instance(workflow=upload.workflow_id)

        shown = client.get(f"/api/v1/tasks?instance={instance}").body["data"]["items"]

        assert [(each["name"], each["task_id"]) for each in shown] == [("a", None)]
        assert client.get(f"/api/v1/tasks/{shown[0]['id']}").body["data"]["name"] == "a"

    def test_by_project_id_they_are_counted(self, client):
        created(client, an_external("A"), an_external("B"))

        told = client.get("/api/v1/tasks?projectId=mine&limit=1").body

        assert told["tasks"] == 2
        assert told["data"]["count"] == 2
        assert len(told["data"]["items"]) == 1

    def test_another_projects_id_is_not_found(self, client):
        assert client.get("/api/v1/tasks?projectId=theirs").status_code == 404


class TestOne:
    def test_it_is_sent_again_only_when_it_changed(self, client):
        created(client, an_external("A"))
        etag = client.get("/api/v1/tasks/A").headers["ETag"]

        again = client.get("/api/v1/tasks/A", headers={"If-None-Match": etag})
        client.post("/api/v1/tasks/A/cancel")
        changed = client.get("/api/v1/tasks/A", headers={"If-None-Match": etag})

        assert (again.status_code, changed.status_code) == (304, 200)

    def test_why_it_waits(self, client):
        created(client, an_external("A"), an_external("B", needs=["A"]))

        holds = [
            client.get(f"/api/v1/tasks/{task}/why").body["data"]["holds"][0]["kind"] for task in ("A", "B")
        ]

        assert holds == ["external", "dependency"]

    def test_cancelled_and_tried_again(self, client):
        created(client, an_external("A"), an_external("B", needs=["A"]))

        cancelled = client.post("/api/v1/tasks/A/cancel", {"reason": "not now"})
        skipped = client.get("/api/v1/tasks/B").body["data"]["status"]
        again = client.post("/api/v1/tasks/A/retry")

        assert (cancelled.body["data"]["status"], skipped) == ("cancelled", "skipped")
        assert cancelled.body["data"]["reason"] == "not now"
        assert again.body["data"]["status"] == "pending"
        assert client.get("/api/v1/tasks/B").body["data"]["status"] == "pending"
        assert client.post("/api/v1/tasks/A/retry").status_code == 409

    def test_its_attempts(self, client, people):
        worker = people.client("operator")
        worker.post("/api/workers/register", {"worker_id": "W", "name": "w"})
        created(client, an_external("A"))
        worker.post("/api/tasks/complete", {"task_id": "A", "worker_id": "W", "error": "no"})

        records = client.get("/api/v1/tasks/A/records").body["data"]["records"]

        assert [(each["attempt"], each["status"], each["worker"]) for each in records] == [(1, "failed", "W")]
        assert records[0]["error"]["message"] == "no"

    def test_its_attempts_come_page_by_page(self, client):
        created(client, an_external("A"))
        task = Task.objects.get(task_id="A")
        for number in range(1, 4):
            ExecutionRecord.objects.create(task=task, number=number, dispatch_id=f"d{number}")

        pages = [client.get(f"/api/v1/tasks/A/records?limit=2&offset={at}").body["data"] for at in (0, 2)]

        shown = [[each["attempt"] for each in page["records"]] for page in pages]
        assert shown == [[1, 2], [3]]
        assert [(page["total"], page["has_more"]) for page in pages] == [(3, True), (3, False)]


class TestNumbersThatAreIds:
    """A creator may call a task what is the number of another."""

    ACTS = pytest.mark.parametrize(("act", "status"), [("cancel", "cancelled"), ("retry", "pending")])

    @pytest.fixture
    def numbered(self, client):
        """A task of which only the number is known elsewhere."""
        created(client, an_external("A"))
        return Task.objects.get(task_id="A")

    def done(self, client, act):
        if act == "retry":
            assert client.post("/api/v1/tasks/A/cancel").status_code == 200
        return client.post(f"/api/v1/tasks/A/{act}")

    @ACTS
    def test_another_project_tells_nothing_by_them(self, client, people, numbered, act, status):
        theirs = an_external(str(numbered.pk), title="A secret of theirs")
        created(people.client("operator", "theirs"), theirs)

        told = self.done(client, act).body["data"]

        assert (told["task_id"], told["project"], told["status"]) == ("A", "mine", status)

    @ACTS
    def test_the_task_that_was_meant_is_answered(self, client, numbered, act, status):
        created(client, an_external(str(numbered.pk)))

        told = self.done(client, act).body["data"]

        assert (told["task_id"], told["status"]) == ("A", status)

    def test_many_are_meant_by_id_before_number(self, client, numbered):
        created(client, an_external(str(numbered.pk)))

        told = client.post("/api/v1/tasks/bulk/cancel", {"ids": [str(numbered.pk)]}).body["data"]

        assert [each["task"] for each in told["tasks"]] == [str(numbered.pk)]
        assert Task.objects.get(pk=numbered.pk).status == "pending"


class TestMany:
    def test_a_dry_run_says_which_and_does_nothing(self, client):
        created(client, an_external("A", tags=["x"]), an_external("B"))

        told = client.post("/api/v1/tasks/bulk/cancel", {"tag": "x", "dry_run": True}).body["data"]

        assert told == {
            "dry_run": True,
            "matched": 1,
            "done": 0,
            "more": False,
            "tasks": [{"task": "A", "refusal": ""}],
        }
        assert set(Task.objects.values_list("status", flat=True)) == {"pending"}

    def test_they_are_cancelled_and_tried_again(self, client):
        created(client, *(an_external(f"T{number}", tags=["x"]) for number in range(3)))

        cancelled = client.post("/api/v1/tasks/bulk/cancel", {"tag": "x"}).body["data"]
        retried = client.post("/api/v1/tasks/bulk/retry", {"ids": ["T0", "T2"]}).body["data"]

        assert (cancelled["matched"], cancelled["done"]) == (3, 3)
        assert (retried["matched"], retried["done"]) == (2, 2)
        assert listed(client, "?status=cancelled") == ["T1"]

    @pytest.mark.parametrize("act", ["cancel", "retry"])
    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"status": []},
            {"only_loose": False},
            {"ids": []},
            {"project": "mine", "status": [], "ids": []},
        ],
    )
    def test_nobody_says_all_by_saying_nothing(self, client, act, body):
        created(client, an_external("A"))

        told = client.post(f"/api/v1/tasks/bulk/{act}", body)

        assert told.status_code == 400
        assert Task.objects.get().status == "pending"

    def test_those_of_others_are_not_there(self, client, people):
        created(people.client("operator", "theirs"), an_external("A"))

        told = client.post("/api/v1/tasks/bulk/cancel", {"ids": ["A"]}).body["data"]

        assert told["matched"] == 0


def test_an_instance_holds_the_tasks_of_a_request(client):
    created(client, an_external("A"), an_external("B"))

    assert Instance.objects.get().task_count == 2
