"""The endpoints of instances and events, in the words of the documents."""

import pytest

from cpds.base.redaction import HIDDEN
from tasks_app.models import Checkpoint, Event, Instance, Task
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.instances import pause_instance
from tests.api.given_instances import again, asking, failed, started, stored
from tests.support.builders import a_chain, a_diamond, a_task
from tests.support.driving import complete

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(people):
    return people.client("operator")


@pytest.fixture
def running(people):
    """An instance whose first of three tasks completed."""
    instance = started(people.mine, *a_chain(3))
    complete(Task.objects.get(instance=instance, name="link-0"))
    return again(instance)


def listed(client, query=""):
    return client.get(f"/api/v1/instances{query}").body["data"]


class TestList:
    """TE-16, TE-30: GET /api/v1/instances."""

    def test_newest_first_by_limit_and_offset(self, people, operator):
        keys = [started(people.mine).public_id for _ in range(3)]

        told = listed(operator, "?limit=2&offset=1")

        assert (told["total"], told["has_more"]) == (3, False)
        assert [each["id"] for each in told["items"]] == [keys[1], keys[0]]

    def test_from_cursor_to_cursor(self, people, operator):
        keys = [started(people.mine).public_id for _ in range(3)]
        first = listed(operator, "?limit=2")
        started(people.mine)

        second = listed(operator, f"?limit=2&cursor={first['next']}")

        assert [each["id"] for each in (*first["items"], *second["items"])] == keys[::-1]
        assert (second["next"], second["has_more"], "total" in second) == (None, False, False)

    @pytest.mark.parametrize(("word", "count"), [("Failed", 1), ("failed", 1), ("Running", 1), ("Ready", 0)])
    def test_status_in_either_vocabulary(self, people, operator, word, count):
        failed(people.mine)
        started(people.mine)

        assert listed(operator, f"?status={word}")["total"] == count

    def test_workflow_tag_search_and_time(self, people, operator):
        found = started(people.mine, a_task(also={"tags": ["night", "größe"]}), name="tagged").public_id
        started(people.mine, a_task(also={"tags": ["nightly"]}), name="other")

        for query in (
            "workflow=tagged",
            "tag=night",
            "tag=gr%C3%B6%C3%9Fe",
            "search=agge",
            f"search={found}",
        ):
            assert [each["id"] for each in listed(operator, f"?{query}")["items"]] == [found], query
        assert listed(operator, "?created_after=2020-01-01T00:00:00Z")["total"] == 2
        assert listed(operator, "?created_before=2020-01-01T00:00:00Z")["total"] == 0

    def test_ordering(self, people, operator):
        keys = [failed(people.mine).public_id for _ in range(2)]

        assert [each["id"] for each in listed(operator, "?ordering=finished_at")["items"]] == keys

    @pytest.mark.parametrize(
        "query",
        [
            *("status=bogus", "workflow=none", "created_after=yesterday", "ordering=cost", "colour=red"),
            *("limit=0", "limit=101", "offset=-1", "cursor=x", "tag=%00"),
        ],
    )
    def test_what_is_unknown_is_a_mistake(self, operator, query):
        assert operator.get(f"/api/v1/instances?{query}").status_code == 400

    def test_a_cursor_goes_with_no_other_order(self, people, operator):
        for _ in range(2):
            started(people.mine)
        cursor = listed(operator, "?limit=1")["next"]

        assert operator.get(f"/api/v1/instances?ordering=started_at&cursor={cursor}").status_code == 400


class TestOne:
    """TE-17, TE-26, TE-27: GET /api/v1/instances/{id}."""

    def test_detail_and_progress(self, operator, running):
        told = operator.get(f"/api/v1/instances/{running.public_id}").body["data"]

        assert set(told) >= {"id", "workflow_id", "status", "progress", "started_at"}
        assert told["status"] == "Running"
        counts = {"total": 3, "completed": 1, "running": 0, "failed": 0, "pending": 2}
        assert told["progress"] == {**counts, "pending_task_ids": ["link-1", "link-2"]}
        assert "finished_at" not in told

    def test_a_failed_one_says_why(self, people, operator):
        told = operator.get(f"/api/v1/instances/{failed(people.mine).public_id}").body["data"]

        assert (told["status"], told["progress"]["failed"]) == ("Failed", 1)
        assert told["error_message"]
        assert told["finished_at"].endswith("Z")

    def test_secrets_stay_hidden(self, people, operator):
        declared = {"key": {"type": "string", "secret": True}}
        stored(people.mine, name="quiet", params=declared)
        key = operator.post("/api/v1/workflows/quiet/execute", {"params": {"key": "canary"}}).body["data"]

        told = operator.get(f"/api/v1/instances/{key['instance_id']}")

        assert told.body["data"]["params"] == {"key": HIDDEN}
        assert b"canary" not in told.content

    def test_an_unknown_one(self, operator):
        assert operator.get("/api/v1/instances/inst-none").status_code == 404

    @pytest.mark.parametrize("part", ["", "/tasks", "/graph"])
    def test_who_asks_again_is_told_of_changes_only(self, operator, running, part):
        address = f"/api/v1/instances/{running.public_id}{part}"
        etag = operator.get(address).headers["ETag"]

        same = operator.get(address, headers={"If-None-Match": etag})
        complete(Task.objects.get(instance=running, name="link-1"))
        changed = operator.get(address, headers={"If-None-Match": etag})

        assert (same.status_code, same.content) == (304, b"")
        assert (changed.status_code, changed.headers["ETag"] == etag) == (200, False)


class TestParts:
    def test_tasks_are_a_list(self, operator, running):
        """TE-18."""
        body = operator.get(f"/api/v1/instances/{running.public_id}/tasks").body

        assert [each["task_name"] for each in body["data"]] == ["link-0", "link-1", "link-2"]
        assert [each["status"] for each in body["data"]] == ["Success", "Pending", "Pending"]
        assert set(body["data"][0]) >= {
            "id",
            "task_id",
            "started_at",
            "finished_at",
            "duration",
            "retry_count",
        }
        assert (body["total"], body["has_more"]) == (3, False)

    def test_events_after_one(self, operator, running):
        address = f"/api/v1/instances/{running.public_id}/events"
        first = operator.get(f"{address}?limit=2").body["data"]

        rest = operator.get(f"{address}?after={first['after']}&limit=1000").body["data"]

        keys = [each["id"] for each in (*first["items"], *rest["items"])]
        assert keys == list(
            Event.objects.filter(instance=running).order_by("pk").values_list("pk", flat=True)
        )
        assert (first["has_more"], rest["has_more"], rest["after"]) == (True, False, keys[-1])

    def test_events_of_a_kind(self, operator, running):
        told = operator.get(f"/api/v1/instances/{running.public_id}/events?kind=task.completed").body["data"]

        assert [each["task"] for each in told["items"]] == ["link-0"]

    def test_the_log_is_lines(self, operator, running):
        told = operator.get(f"/api/v1/instances/{running.public_id}/logs").body["data"]

        assert any("task.completed" in each["line"] for each in told["items"])

    def test_the_graph_has_all_that_a_page_draws(self, people, operator):
        instance = started(people.mine, *a_diamond())

        told = operator.get(f"/api/v1/instances/{instance.public_id}/graph").body["data"]

        assert sorted(each["level"] for each in told["nodes"]) == [0, 1, 1, 2]
        assert len(told["edges"]) == 4
        names = {each["name"] for each in told["nodes"]}
        assert all({each["from"], each["to"]} <= names for each in told["edges"])

    def test_why_it_waits(self, people, operator):
        told = operator.get(f"/api/v1/instances/{asking(people.mine).public_id}/why").body["data"]

        assert told["tasks"][0]["holds"][0]["kind"] == "approval"

    def test_two_are_compared(self, people, operator):
        one, two = failed(people.mine), started(people.mine)

        told = operator.get(f"/api/v1/instances/{one.public_id}/compare?other={two.public_id}").body["data"]

        assert (told["a"]["id"], told["b"]["id"]) == (one.public_id, two.public_id)

    def test_one_of_others_is_not_compared(self, people, operator):
        one, two = started(people.mine), started(people.theirs)

        told = operator.get(f"/api/v1/instances/{one.public_id}/compare?other={two.public_id}")

        assert told.status_code == 404


class TestSteering:
    """TE-19, TE-20, TE-21, and what else may be done."""

    def test_pause_resume_cancel(self, operator, running):
        address = f"/api/v1/instances/{running.public_id}"
        told = [operator.post(f"{address}/{verb}").body["data"] for verb in ("pause", "resume", "cancel")]

        assert [each["status"] for each in told] == ["Paused", "Running", "Terminated"]
        assert all(each["id"] == running.public_id and each["message"] for each in told)

    def test_the_ledger_says_who_and_why(self, operator, running):
        operator.post(f"/api/v1/instances/{running.public_id}/pause", {"reason": "a look"})

        event = Event.objects.get(kind="instance.paused")
        assert (event.data["by"], event.data["via"], event.message) == ("mine-operator", "api", "a look")

    def test_a_wrong_state_is_a_conflict(self, operator, running):
        assert operator.post(f"/api/v1/instances/{running.public_id}/resume").status_code == 409

    def test_a_pause_until_a_time_that_is_over(self, operator, running):
        told = operator.post(
            f"/api/v1/instances/{running.public_id}/pause", {"until": "2020-01-01T00:00:00Z"}
        )

        assert (told.status_code, told.body["errors"][0]["pointer"]) == (400, "/until")

    def test_retry_and_rerun(self, people, operator):
        instance = failed(people.mine)
        address = f"/api/v1/instances/{instance.public_id}"

        again_from = operator.post(f"{address}/rerun", {"from": "a-task"})
        retried = operator.post(f"{address}/retry")

        assert again_from.status_code == 201
        assert again_from.body["data"]["origin_id"] == instance.public_id
        assert retried.body["data"]["status"] == "Running"

    @pytest.mark.parametrize(("verb", "state"), [("approve", "approved"), ("reject", "rejected")])
    def test_an_answer_names_the_caller(self, people, operator, verb, state):
        instance = asking(people.mine)

        told = operator.post(f"/api/v1/instances/{instance.public_id}/{verb}", {"comment": "fine"})

        assert (told.body["data"]["answer"], told.body["data"]["changed"]) == (state, True)
        assert Checkpoint.objects.get().answered_by == "mine-operator"

    def test_what_is_for_others_is_forbidden(self, people, operator):
        instance = asking(people.mine, by=["lead"])

        assert operator.post(f"/api/v1/instances/{instance.public_id}/approve").status_code == 403


class TestBulk:
    def control(self, client, **body):
        return client.post("/api/v1/instances/bulk", {"action": "cancel", "filter": {}, **body})

    def test_a_dry_run_changes_nothing(self, people, operator):
        key = started(people.mine).public_id

        told = self.control(operator, dry_run=True).body["data"]

        assert (told["instances"], told["done"]) == ([key], [])
        assert Instance.objects.get().status == "running"

    def test_a_filter_chooses(self, people, operator):
        meant = started(people.mine, name="meant")
        other = started(people.mine, name="other")

        told = self.control(operator, filter={"workflow": "meant"}).body["data"]

        assert told["done"] == [meant.public_id]
        assert again(other).status == "running"

    def test_another_project_is_left_alone(self, people, operator):
        theirs = started(people.theirs)

        assert self.control(operator).body["data"]["count"] == 0
        assert again(theirs).status == "running"

    def test_only_so_many_at_once(self, people, operator):
        for _ in range(3):
            started(people.mine)

        told = self.control(operator, limit=2).body["data"]

        assert (told["count"], told["has_more"]) == (2, True)

    @pytest.mark.parametrize(
        "body",
        [
            {"filter": {"status": "bogus"}},
            {"filter": {"workflow": "none"}},
            {"filter": {"colour": 1}},
            {"action": "delete"},
            {"limit": 1001},
        ],
    )
    def test_what_is_unknown_is_a_mistake(self, operator, body):
        assert self.control(operator, **body).status_code == 400


class TestEvents:
    def test_newest_first_from_cursor_to_cursor(self, people, operator):
        cancel_instance(given=started(people.mine).public_id)
        first = operator.get("/api/v1/events?limit=1").body["data"]

        second = operator.get(f"/api/v1/events?limit=1&cursor={first['next']}").body["data"]

        assert first["items"][0]["id"] > second["items"][0]["id"]

    def test_filters(self, people, operator):
        instance = started(people.mine)
        pause_instance(given=instance.public_id, by="ada")
        started(people.mine, name="other")

        told = operator.get(f"/api/v1/events?instance={instance.public_id}&kind=instance.paused").body["data"]

        assert [each["kind"] for each in told["items"]] == ["instance.paused"]

    def test_those_of_others_are_not_there(self, people, operator):
        started(people.theirs)

        assert operator.get("/api/v1/events").body["data"]["items"] == []

    def test_addresses_are_for_the_audit(self, people, operator, running):
        operator.post(f"/api/v1/instances/{running.public_id}/pause")

        event = operator.get("/api/v1/events?kind=instance.paused").body["data"]["items"][0]
        assert event["data"]["by"] == "mine-operator"
        assert "address" not in event["data"]

    @pytest.mark.parametrize("query", ["kind=Bad!", "since=x", "colour=red", "instance=none"])
    def test_what_is_unknown_is_a_mistake(self, operator, query):
        assert operator.get(f"/api/v1/events?{query}").status_code == 400
