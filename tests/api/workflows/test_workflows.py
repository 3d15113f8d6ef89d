"""The endpoints of workflows, in the words of the documents."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tasks_app.models import Event, Instance, Workflow
from tests.api.given_instances import failed, started, stored
from tests.support.builders import a_task, a_workflow

pytestmark = pytest.mark.django_db
TEXT = """\
name: nightly-etl
description: Every night
tasks:
  - {name: extract, run: noop, timeout: 30, retry: 3}
  - {name: load, run: noop, needs: [extract]}
"""
SUMMARY = {"id", "name", "description", "task_count", "created_at"}


@pytest.fixture
def editor(people):
    return people.client("editor")


@pytest.fixture
def nightly(editor):
    """The id of a workflow of two tasks."""
    return editor.post("/api/v1/workflows", {"content": TEXT}).body["data"]["id"]


class TestUpload:
    """TE-10: POST /api/v1/workflows."""

    def test_json_with_content(self, editor):
        told = editor.post("/api/v1/workflows", {"content": TEXT})

        assert told.status_code == 201
        assert (told.body["code"], told.body["message"]) == (0, "success")
        assert (
            told.body["data"] | {"name": "nightly-etl", "task_count": 2, "cron_enabled": False}
            == (told.body["data"])
        )
        assert set(told.body["data"]) >= {*SUMMARY, "status", "cron_enabled"}
        assert told.body["data"]["id"].startswith("wf-")
        assert told.headers["Location"] == f"/api/v1/workflows/{told.body['data']['id']}"

    @pytest.mark.parametrize("kind", ["text/yaml", "application/yaml", "application/x-yaml"])
    def test_yaml(self, editor, kind):
        told = editor.post("/api/v1/workflows", raw=TEXT.encode(), content_type=kind)

        assert (told.status_code, told.body["data"]["name"]) == (201, "nightly-etl")

    def test_a_file(self, editor):
        file = SimpleUploadedFile("nightly.yaml", TEXT.encode())

        told = editor.client.post("/api/v1/workflows", {"file": file}, headers=editor.headers)

        assert (told.status_code, told.json()["data"]["task_count"]) == (201, 2)

    def test_a_form_without_a_file_says_so(self, editor):
        told = editor.client.post("/api/v1/workflows", {"content": TEXT}, headers=editor.headers)

        assert (told.status_code, told.json()["errors"][0]["pointer"]) == (400, "/file")

    def test_the_same_again_is_no_new_version(self, editor, nightly):
        told = editor.post("/api/v1/workflows", {"content": f"# a comment\n{TEXT}"})

        assert (told.status_code, told.body["data"]["id"], told.body["data"]["version"]) == (200, nightly, 1)

    def test_every_mistake_is_told_with_its_place(self, editor):
        told = editor.post("/api/v1/workflows", {"content": "name: x\ntasks:\n  - {nam: a, run: noop}\n"})

        assert (told.status_code, told.body["code"]) == (422, 422)
        assert any(each["pointer"].startswith("tasks") for each in told.body["errors"])
        assert not Workflow.objects.exists()

    def test_other_bodies_are_not_taken(self, editor):
        told = editor.post("/api/v1/workflows", raw=b"a", content_type="text/csv")

        assert told.status_code == 415

    def test_one_key_makes_one_workflow(self, editor):
        answers = [
            editor.post("/api/v1/workflows", {"content": TEXT}, headers={"Idempotency-Key": "k"})
            for _ in range(2)
        ]

        assert [each.status_code for each in answers] == [201, 201]
        assert answers[0].body == answers[1].body
        assert Workflow.objects.count() == 1

    def test_the_ledger_says_who(self, editor, nightly):
        event = Event.objects.get(kind="workflow.uploaded")

        assert (event.data["by"], event.data["via"]) == ("mine-editor", "api")


class TestList:
    """TE-11, TE-25: GET /api/v1/workflows."""

    def test_newest_first_with_summaries(self, people, editor):
        for name in ("one", "two", "three"):
            stored(people.mine, name=name)

        told = editor.get("/api/v1/workflows?limit=2").body["data"]

        assert (told["total"], told["has_more"]) == (3, True)
        assert [each["name"] for each in told["items"]] == ["three", "two"]
        assert all(set(each) >= SUMMARY for each in told["items"])

    def test_search_and_ordering(self, people, editor):
        for name in ("beta", "alpha", "other"):
            stored(people.mine, name=name)

        told = editor.get("/api/v1/workflows?search=a&ordering=name").body["data"]

        assert [each["name"] for each in told["items"]] == ["alpha", "beta"]

    @pytest.mark.parametrize("query", ["ordering=size", "colour=red", "limit=0", "limit=101", "offset=-1"])
    def test_what_is_unknown_is_a_mistake(self, editor, query):
        assert editor.get(f"/api/v1/workflows?{query}").status_code == 400

    def test_a_schedule_shows(self, people, editor):
        stored(people.mine, schedule="0 0 2 * * *")

        item = editor.get("/api/v1/workflows").body["data"]["items"][0]

        assert (item["cron_expr"], item["cron_enabled"]) == ("0 0 2 * * *", True)


class TestOne:
    """TE-12 and TE-13."""

    def test_details(self, editor, nightly):
        told = editor.get(f"/api/v1/workflows/{nightly}").body["data"]

        assert [task["id"] for task in told["tasks"]] == ["extract", "load"]
        assert told["tasks"][0] | {"timeout": 30, "retry_count": 3} == told["tasks"][0]
        assert told["dependencies"] == {"load": ["extract"]}

    def test_a_name_will_do(self, editor, nightly):
        assert editor.get("/api/v1/workflows/nightly-etl").body["data"]["id"] == nightly

    def test_an_unknown_one(self, editor):
        told = editor.get("/api/v1/workflows/wf-none")

        assert (told.status_code, told.body["code"]) == (404, 404)

    def test_a_name_that_two_projects_have_is_asked_about(self, people):
        keys = [stored(project).workflow_id for project in (people.mine, people.theirs)]

        told = people.superuser().get("/api/v1/workflows/a-workflow")
        named = people.superuser().get(
            "/api/v1/workflows/a-workflow", headers={"X-CPDS-Project": people.theirs.slug}
        )

        assert told.status_code == 409
        assert all(key in told.body["message"] for key in keys)
        assert named.body["data"]["id"] == keys[1]

    def test_delete(self, editor, nightly):
        told = editor.delete(f"/api/v1/workflows/{nightly}")

        assert told.status_code == 200
        assert told.body["data"] | {"id": nightly, "message": "Workflow deleted"} == told.body["data"]
        assert editor.get(f"/api/v1/workflows/{nightly}").status_code == 404

    def test_one_in_use_is_kept_and_the_instances_are_named(self, people, editor):
        instance = started(people.mine)

        told = editor.delete("/api/v1/workflows/a-workflow")

        assert told.status_code == 409
        assert instance.public_id in told.body["message"]
        assert told.body["errors"] == [
            {
                "pointer": f"/api/v1/instances/{instance.public_id}",
                "code": "unfinished_instance",
                "detail": f"{instance.public_id} is running",
            }
        ]


class TestExecute:
    """TE-14, TE-28: POST /api/v1/workflows/{id}/execute."""

    def test_without_a_body(self, editor, nightly):
        told = editor.post(f"/api/v1/workflows/{nightly}/execute", raw=b"")

        key = told.body["data"]["instance_id"]
        assert told.status_code == 201
        assert key.startswith("inst-")
        assert told.body["data"]["message"]
        assert told.headers["Location"] == f"/api/v1/instances/{key}"

    def test_with_params_and_a_version(self, people, editor):
        stored(people.mine, params={"size": 1})
        stored(people.mine, params={"size": 2})

        told = editor.post("/api/v1/workflows/a-workflow/execute", {"params": {"size": 7}, "version": 1})

        instance = Instance.objects.get(public_id=told.body["data"]["instance_id"])
        assert (instance.params, instance.version.number) == ({"size": 7}, 1)

    @pytest.mark.parametrize(
        ("body", "status"),
        [({"params": {"x": 1}}, 422), ({"params": []}, 400), ({"version": 9}, 404), ({"parms": {}}, 400)],
    )
    def test_what_does_not_fit(self, editor, nightly, body, status):
        assert editor.post(f"/api/v1/workflows/{nightly}/execute", body).status_code == status
        assert not Instance.objects.exists()

    def test_one_key_starts_one_instance(self, editor, nightly):
        for _ in range(3):
            editor.post(f"/api/v1/workflows/{nightly}/execute", {}, headers={"Idempotency-Key": "once"})

        assert Instance.objects.count() == 1


class TestHistory:
    """TE-15, TE-23, TE-29, TE-30: GET /api/v1/workflows/{id}/history."""

    @pytest.fixture
    def history(self, people):
        failed(people.mine)
        started(people.mine)
        viewer = people.client("viewer")
        return lambda query="": viewer.get(f"/api/v1/workflows/a-workflow/history{query}")

    def test_newest_first(self, history):
        told = history().body["data"]

        assert (told["total"], told["has_more"]) == (2, False)
        assert [each["status"] for each in told["items"]] == ["Running", "Failed"]

    def test_an_ended_one_has_its_end(self, history):
        item = history("?status=Failed").body["data"]["items"][0]

        assert set(item) >= {"id", "workflow_id", "workflow_name", "status", "started_at", "finished_at"}
        assert item["workflow_name"] == "a-workflow"
        assert re.fullmatch(r"\d+m\d\ds", item["duration"])
        assert item["error_message"]
        assert item["finished_at"].endswith("Z")

    def test_one_that_runs_has_none(self, history):
        item = history("?status=Running").body["data"]["items"][0]

        assert {"finished_at", "duration", "error_message"}.isdisjoint(item)

    def test_oldest_first(self, history):
        told = history("?order=asc&limit=1").body["data"]

        assert ([each["status"] for each in told["items"]], told["has_more"]) == (["Failed"], True)

    @pytest.mark.parametrize("word", ["Success", "Failed", "Running", "Paused", "Ready", "Terminated"])
    def test_the_words(self, history, word):
        assert history(f"?status={word}").status_code == 200

    @pytest.mark.parametrize(
        "query",
        ["status=success", "status=bogus", "limit=0", "limit=101", "limit=x", "offset=-1", "order=newest"],
    )
    def test_anything_else_is_a_mistake(self, history, query):
        told = history(f"?{query}")

        assert (told.status_code, told.body["code"]) == (400, 400)
        assert told.body["errors"][0]["pointer"] == f"?{query.partition('=')[0]}"


class TestVersions:
    @pytest.fixture
    def two(self, people):
        stored(people.mine, a_task("one"))
        return stored(people.mine, a_task("one"), a_task("two")).workflow_id

    def test_they_are_listed_newest_first(self, editor, two):
        told = editor.get(f"/api/v1/workflows/{two}/versions").body["data"]

        assert [(each["version"], each["task_count"]) for each in told["items"]] == [(2, 2), (1, 1)]

    def test_one_has_its_text(self, editor, two):
        told = editor.get(f"/api/v1/workflows/{two}/versions/1").body["data"]

        assert told["source"] == a_workflow(a_task("one"))

    @pytest.mark.parametrize("number", ["3", "999999999999999999"])
    def test_an_unknown_one(self, editor, two, number):
        assert editor.get(f"/api/v1/workflows/{two}/versions/{number}").status_code == 404

    def test_the_newest_is_compared_with_the_one_before(self, editor, two):
        told = editor.get(f"/api/v1/workflows/{two}/diff").body["data"]

        assert (told["from"], told["to"]) == (1, 2)
        assert [(each["kind"], each["path"]) for each in told["changes"][:1]] == [("added", "tasks.two")]

    def test_any_two_are_compared(self, editor, two):
        told = editor.get(f"/api/v1/workflows/{two}/diff?from=2&to=2").body["data"]

        assert told["changes"] == []

    def test_validate_stores_nothing(self, editor):
        good = editor.post("/api/v1/workflows/validate", {"content": TEXT})
        bad = editor.post("/api/v1/workflows/validate", {"content": "name: x\n"})

        assert (good.status_code, good.body["data"]["task_count"], bad.status_code) == (200, 2, 422)
        assert not Workflow.objects.exists()

    def test_the_schema_is_there(self, editor):
        assert "$schema" in editor.get("/api/v1/workflows/schema").body["data"]


class TestSchedule:
    def test_one_is_set_as_the_next_version(self, editor, nightly):
        told = editor.put(f"/api/v1/workflows/{nightly}/schedule", {"cron": "@daily", "overlap": "queue"})

        assert told.status_code == 200
        assert told.body["data"] | {"cron": "@daily", "overlap": "queue"} == told.body["data"]
        assert editor.get(f"/api/v1/workflows/{nightly}").body["data"]["version"] == 2

    def test_a_wrong_one_changes_nothing(self, editor, nightly):
        told = editor.put(f"/api/v1/workflows/{nightly}/schedule", {"cron": "0 0 31 2 *"})

        assert told.status_code == 422
        assert editor.get(f"/api/v1/workflows/{nightly}/schedule").status_code == 404

    def test_it_is_paused_resumed_and_removed(self, editor, nightly):
        address = f"/api/v1/workflows/{nightly}/schedule"
        editor.put(address, {"cron": "@daily"})

        paused = editor.post(f"{address}/pause", {"reason": "holiday"}).body["data"]
        resumed = editor.post(f"{address}/resume").body["data"]
        removed = editor.delete(address)

        assert (paused["paused"], paused["pause_reason"], paused["next_fire_at"]) == (True, "holiday", None)
        assert (resumed["paused"], removed.status_code) == (False, 204)
        assert editor.get(address).status_code == 404

    def test_if_match_takes_the_etag_until_somebody_changes_it(self, editor, nightly):
        address = f"/api/v1/workflows/{nightly}/schedule"
        put = editor.put(address, {"cron": "@daily"}).headers["ETag"]
        etag = editor.get(address).headers["ETag"]

        changed = editor.put(address, {"cron": "@hourly"}, headers={"If-Match": f'"other", {etag}'})
        late = [
            editor.put(address, {"cron": "@weekly"}, headers={"If-Match": etag}),
            editor.delete(address, headers={"If-Match": etag}),
        ]

        assert put == etag != changed.headers["ETag"]
        assert (changed.status_code, [each.status_code for each in late]) == (200, [412, 412])
        assert late[0].body["errors"][0]["code"] == "schedule_changed"
        assert editor.get(address).body["data"]["cron"] == "@hourly"

    def test_a_pause_is_a_change_too(self, editor, nightly):
        address = f"/api/v1/workflows/{nightly}/schedule"
        etag = editor.put(address, {"cron": "@daily"}).headers["ETag"]
        editor.post(f"{address}/pause")

        assert editor.put(address, {"cron": "@weekly"}, headers={"If-Match": etag}).status_code == 412

    def test_a_star_wants_one_to_be_there(self, editor, nightly):
        address = f"/api/v1/workflows/{nightly}/schedule"
        anything = {"If-Match": "*"}

        assert editor.put(address, {"cron": "@daily"}, headers=anything).status_code == 412
        editor.put(address, {"cron": "@daily"})
        assert editor.put(address, {"cron": "@weekly"}, headers=anything).status_code == 200

    def test_the_next_fires(self, editor, nightly):
        address = f"/api/v1/workflows/{nightly}/schedule"
        editor.put(address, {"cron": "0 0 2 * * *", "timezone": "Europe/Berlin"})

        fires = editor.get(f"{address}/next?count=3").body["data"]["fires"]

        assert [each["local"][11:19] for each in fires] == ["02:00:00"] * 3

    def test_it_is_fired_by_hand_once_for_a_key(self, editor, nightly):
        address = f"/api/v1/workflows/{nightly}/schedule"
        editor.put(address, {"cron": "@yearly"})

        told = [editor.post(f"{address}/fire", headers={"Idempotency-Key": "now"}) for _ in range(2)]

        assert [each.status_code for each in told] == [201, 201]
        assert Instance.objects.count() == 1
