"""Members and projects change, and the ledger says who did it, from where, before and after."""

import csv
import io
import json

import pytest

from tasks_app.models import Event, Membership
from tests.api.people import MINE

pytestmark = pytest.mark.django_db
MEMBERS, AUDIT = "/api/v1/projects/mine/members", "/api/v1/audit"


def test_the_last_admin_stays(people):
    admin = people.client("admin")

    assert admin.patch(f"{MEMBERS}/mine-admin", {"role": "viewer"}).status_code == 409
    assert admin.delete(f"{MEMBERS}/mine-admin").status_code == 409
    admin.patch(f"{MEMBERS}/mine-editor", {"role": "admin"})
    assert admin.delete(f"{MEMBERS}/mine-admin").status_code == 204


def test_a_member_is_one_once(people):
    told = people.client("admin").post(MEMBERS, {"username": "mine-viewer", "role": "admin"})

    assert told.status_code == 409
    assert Membership.objects.get(user=people.user("viewer")).role == "viewer"


@pytest.mark.parametrize("name", ["nobody", "a\x00b".replace("\x00", "%00"), "..%2fx", "x" * 151])
def test_who_does_not_exist_is_not_found(people, name):
    assert people.client("admin").delete(f"{MEMBERS}/{name}").status_code == 404


@pytest.mark.parametrize(
    "more", [{"is_superuser": True}, {"project": "theirs"}, {"id": 1}, {"created_at": "2020-01-01"}]
)
def test_what_is_not_asked_for_is_not_taken(people, more):
    told = people.client("admin").post(MEMBERS, {"username": "stranger", "role": "viewer", **more})

    assert told.status_code == 400


def test_limits_of_a_project_change(people):
    changed = people.client("admin").patch("/api/v1/projects/mine", {"max_parallel": 4, "weight": 7})

    assert (changed.body["data"]["max_parallel"], changed.body["data"]["weight"]) == (4, 7)
    event = Event.objects.get(kind="project.changed")
    assert event.data["before"] == {"max_parallel": None, "weight": 1}
    assert event.data["after"] == {"max_parallel": 4, "weight": 7}


class TestAudit:
    def test_it_says_who_from_where_before_and_after(self, people):
        people.client("admin").patch(f"{MEMBERS}/mine-viewer", {"role": "editor"})

        items = people.client("admin").get(f"{AUDIT}?kind=member").body["data"]["items"]

        assert len(items) == 1
        assert items[0]["happened_at"].endswith("Z")
        assert {name: items[0][name] for name in items[0] if name not in {"id", "happened_at"}} == {
            "kind": "member.changed",
            "actor": "mine-admin",
            "via": "api",
            "address": "127.0.0.1",
            "project": "mine",
            "instance": None,
            "task": None,
            "subject": "mine-viewer",
            "message": "",
            "before": {"role": "viewer"},
            "after": {"role": "editor"},
            "data": {},
        }

    def test_it_is_of_ones_own_projects(self, people):
        people.client("admin").patch(f"{MEMBERS}/mine-viewer", {"role": "editor"})

        items = people.client("admin", "theirs").get(AUDIT).body["data"]["items"]

        assert {item["project"] for item in items} == {"theirs"}

    def test_it_goes_on_after_a_page(self, people):
        admin = people.client("admin")
        for weight in range(2, 9):
            admin.patch("/api/v1/projects/mine", {"weight": weight})
        asked = f"{AUDIT}?kind=project.changed&limit=3"

        first = admin.get(asked).body["data"]
        admin.patch("/api/v1/projects/mine", {"weight": 50})
        second = admin.get(f"{asked}&cursor={first['next']}").body["data"]
        third = admin.get(f"{asked}&cursor={second['next']}").body["data"]

        shown = [item["after"]["weight"] for page in (first, second, third) for item in page["items"]]
        assert shown == [8, 7, 6, 5, 4, 3, 2]
        assert third["next"] is None

    @pytest.mark.parametrize(
        "query",
        [
            "via=nowhere",
            "kind=a'b",
            "since=yesterday",
            "nothing=1",
            "_connector=OR",
            "data__by=x",
            "actor=%00",
            "limit=0",
        ],
    )
    def test_what_it_does_not_know_is_a_mistake(self, people, query):
        assert people.client("admin").get(f"{AUDIT}?{query}").status_code == 400

    def test_it_is_filtered(self, people):
        admin = people.client("admin")
        admin.patch("/api/v1/projects/mine", {"weight": 2})

        def found(query):
            return len(admin.get(f"{AUDIT}?kind=project.changed&{query}").body["data"]["items"])

        assert [found(query) for query in ("actor=mine-admin", "actor=x", "via=api", "via=cli")] == [
            1,
            0,
            1,
            0,
        ]
        assert [found(query) for query in ("until=2001-01-01T00:00:00Z", "since=2001-01-01T00:00:00Z")] == [
            0,
            1,
        ]
        assert [found(query) for query in ("subject=mine", "subject=theirs", "instance=inst-1")] == [1, 0, 0]


class TestExport:
    def test_lines_of_json(self, people):
        people.client("admin").patch("/api/v1/projects/mine", {"name": "=1+1"})

        told = people.client("admin").get(f"{AUDIT}/export?format=jsonl&kind=project.changed")

        (line,) = told.content.splitlines()
        assert json.loads(line)["after"] == {"name": "=1+1"}
        assert told.headers["Content-Disposition"] == 'attachment; filename="audit.jsonl"'

    def test_csv_that_no_spreadsheet_computes(self, people):
        root = people.superuser()
        people.root.username = "=cmd|' /C calc'!A0"
        people.root.save()
        root.patch(f"/api/v1/projects/{MINE}", {"weight": 2})

        told = root.get(f"{AUDIT}/export?kind=project.changed")

        (row,) = csv.DictReader(io.StringIO(told.content.decode()))
        assert row["actor"] == "'=cmd|' /C calc'!A0"
        assert json.loads(row["after"]) == {"weight": 2}

    def test_another_form_is_a_mistake(self, people):
        assert people.client("admin").get(f"{AUDIT}/export?format=xml").status_code == 400
