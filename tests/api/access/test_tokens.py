"""API tokens: shown once, kept as a hash, limited, revocable."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cpds.base import clock
from tasks_app.models import ApiToken, Event, Membership
from tasks_app.roles import Role
from tests.api.people import ApiClient, token_for

pytestmark = pytest.mark.django_db
TOKENS = "/api/v1/tokens"
ME = "/api/v1/auth/me"


def make(client, **body):
    return client.post(TOKENS, {"name": "mine", **body})


def test_the_secret_is_shown_once_and_kept_nowhere(people):
    made = make(people.client("editor"), role="viewer")

    secret = made.body["data"]["token"]
    assert made.status_code == 201
    assert made.headers["Location"] == f"{TOKENS}/{made.body['data']['id']}"
    assert secret.startswith(made.body["data"]["prefix"])
    assert secret.startswith("cpds_pat_")
    assert ApiClient(secret).get(ME).status_code == 200
    row = ApiToken.objects.values().get(pk=made.body["data"]["id"])
    assert secret not in str(row)
    assert secret not in str(list(Event.objects.values_list("data", flat=True)))
    shown = people.client("editor").get(f"{TOKENS}/{row['id']}").body["data"]
    assert "token" not in shown


def test_nobody_gives_more_than_they_have(people):
    assert make(people.client("viewer"), role="operator").status_code == 403
    assert make(people.client("operator"), role="operator").status_code == 201


def test_a_token_does_what_its_role_allows_whatever_its_user_may(people):
    secret = make(people.client("admin"), role="viewer").body["data"]["token"]

    told = ApiClient(secret).patch("/api/v1/projects/mine", {"weight": 3})

    assert told.status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/projects", {"slug": "new", "name": "New"}),
        ("PATCH", "/api/v1/projects/mine", {"weight": 3}),
        ("POST", "/api/v1/instances/bulk", {"action": "cancel", "filter": {}}),
        ("POST", "/api/v1/tasks/bulk/retry", {"status": ["failed"]}),
        ("POST", "/api/v1/tokens", {"name": "mightier", "role": "operator"}),
        ("POST", "/api/v1/tokens", {"name": "of a worker", "kind": "worker", "role": "viewer"}),
    ],
)
def test_a_superusers_token_does_what_its_role_allows(people, method, path, body):
    limited, full = (ApiClient(token_for(people.root, None, role)) for role in (Role.VIEWER, Role.ADMIN))

    assert limited.get("/api/v1/projects/mine").status_code == 200
    assert limited.call(method, path, body).status_code == 403
    assert full.call(method, path, body).status_code < 400


def test_a_token_is_of_its_project_only(people):
    Membership.objects.create(user=people.user("admin"), project=people.theirs, role="admin")
    secret = make(people.client("admin"), role="admin").body["data"]["token"]

    assert ApiClient(secret).get("/api/v1/projects/mine").status_code == 200
    assert ApiClient(secret).get("/api/v1/projects/theirs").status_code == 404
    named = ApiClient(secret, **{"X-CPDS-Project": "theirs"})
    assert make(named).status_code == 404


def test_a_token_grows_no_more_than_its_user(people):
    secret = token_for(people.user("admin"), people.mine, Role.ADMIN)
    Membership.objects.filter(user=people.user("admin")).update(role="viewer")

    assert ApiClient(secret).patch("/api/v1/projects/mine", {"weight": 3}).status_code == 403


class TestNotGood:
    def test_one_that_was_revoked(self, people):
        client = people.client("operator")
        key = client.get(TOKENS).body["data"]["items"][0]["id"]

        assert client.delete(f"{TOKENS}/{key}").status_code == 204

        assert client.get(ME).status_code == 401

    def test_one_that_ran_out(self, people):
        client = people.client("operator")
        ApiToken.objects.update(expires_at=clock.now() - timedelta(seconds=1))

        assert client.get(ME).status_code == 401

    def test_one_whose_user_is_no_member_any_more(self, people):
        client = people.client("operator")
        people.user("operator").memberships.all().delete()

        assert client.get(ME).status_code == 401

    def test_one_whose_user_was_deactivated(self, people):
        client = people.client("operator")
        user = people.user("operator")
        user.is_active = False
        user.save()

        assert client.get(ME).status_code == 401


def test_an_expiry_in_the_past_is_a_mistake(people):
    told = make(people.client("viewer"), expires_at="2001-01-01T00:00:00Z")

    assert told.status_code == 400
    assert told.body["errors"][0]["pointer"] == "/expires_at"


class TestWhoSees:
    def test_a_member_sees_their_own(self, people):
        people.client("editor")

        items = people.client("viewer").get(TOKENS).body["data"]["items"]

        assert {item["username"] for item in items} == {"mine-viewer"}

    def test_an_admin_sees_those_of_the_project_and_may_revoke_them(self, people):
        viewer = people.client("viewer")
        people.client("viewer", "theirs")
        admin = people.client("admin")

        items = admin.get(TOKENS).body["data"]["items"]
        mine = next(item for item in items if item["username"] == "mine-viewer")
        assert admin.delete(f"{TOKENS}/{mine['id']}").status_code == 204

        assert {item["project"] for item in items} == {"mine"}
        assert viewer.get(ME).status_code == 401
        assert Event.objects.filter(kind="token.revoked", project=people.mine).count() == 1

    def test_another_members_token_is_not_found(self, people):
        people.client("editor")
        key = ApiToken.objects.get(user=people.user("editor")).pk

        assert people.client("viewer").delete(f"{TOKENS}/{key}").status_code == 404

    @pytest.mark.parametrize("key", ["0", "-1", "999999999", "9" * 30, "%00", "../1", "1'--", "x"])
    def test_no_other_id_is_found(self, people, key):
        assert people.client("admin").delete(f"{TOKENS}/{key}").status_code == 404


class TestWorkers:
    def test_an_admin_makes_one_for_a_pool(self, people):
        made = make(people.client("admin"), kind="worker", role="operator", pool="gpu")

        assert made.status_code == 201
        assert made.body["data"]["token"].startswith("cpds_wrk_")
        assert (made.body["data"]["pool"], made.body["data"]["username"]) == ("gpu", None)

    def test_less_than_an_admin_does_not(self, people):
        assert make(people.client("editor"), kind="worker", role="viewer").status_code == 403

    def test_it_opens_no_door_of_people(self, people):
        told = people.worker().get("/api/v1/projects")

        assert told.status_code == 403
        assert told.body["errors"][0]["code"] == "wrong_kind_of_token"


def test_its_use_is_noted_once_a_minute(people):
    client = people.client("viewer")
    client.get(ME)
    noted = ApiToken.objects.get().last_used_at
    with CaptureQueriesContext(connection) as asked:
        client.get(ME)

    assert ApiToken.objects.get().last_used_at == noted
    assert noted is not None
    assert [query for query in asked.captured_queries if query["sql"].startswith("UPDATE")] == []


def test_a_token_of_a_project_costs_one_statement(people):
    client = people.client("viewer")
    client.get("/api/v1/projects/mine")

    with CaptureQueriesContext(connection) as asked:
        assert client.get("/api/v1/projects/mine").status_code == 200

    assert len(asked) == 1
