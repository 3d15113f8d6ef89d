"""``manage.py token``, ``project`` and ``member``."""

import pytest
from django.contrib.auth import get_user_model

from tasks_app.models import ApiToken, Event, Membership, Project
from tests.api.people import ApiClient

pytestmark = pytest.mark.django_db
ME = "/api/v1/auth/me"


@pytest.fixture
def ada():
    return get_user_model().objects.create_user("ada", password="correct horse battery staple")


def test_a_token_is_made_used_listed_and_revoked(run):
    made = run("token", "create", "ci", "--role", "operator", "--json").json

    assert ApiClient(made["token"]).get(ME).body["data"]["projects"] == [
        {"project": "default", "role": "operator"}
    ]
    listed = run("token", "list", "--json").json
    assert [(row["name"], row["role"], row["project"]) for row in listed] == [("ci", "operator", "default")]
    assert made["token"] not in str(listed)
    assert run("token", "revoke", str(made["id"])).code == 0
    assert ApiClient(made["token"]).get(ME).status_code == 401


def test_the_secret_alone_goes_to_stdout(run):
    done = run("token", "create", "ci")

    assert done.out.strip().startswith("cpds_pat_")
    assert len(done.out.split()) == 1
    assert "once" in done.err


def test_a_token_of_a_worker(run):
    made = run("token", "create", "w1", "--worker", "--pool", "gpu", "--json").json

    assert made["token"].startswith("cpds_wrk_")
    assert (made["kind"], made["pool"]) == ("worker", "gpu")


def test_a_token_of_a_user_holds_where_they_are_a_member(run, ada):
    Project.objects.default()
    run("member", "add", "default", "ada", "--role", "viewer")
    made = run("token", "create", "t", "--user", "ada", "--everywhere", "--expires", "90d", "--json").json

    assert made["project"] is None
    assert made["expires_at"]
    assert ApiClient(made["token"]).get(ME).body["data"]["projects"] == [
        {"project": "default", "role": "viewer"}
    ]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("token", "revoke", "999"), 3),
        (("token", "revoke", "x"), 3),
        (("token", "create", "t", "--project", "nowhere"), 3),
        (("token", "create", "t", "--user", "nobody"), 3),
        (("member", "add", "nowhere", "ada"), 3),
        (("member", "list", "nowhere"), 3),
    ],
)
def test_what_is_not_there_or_no_such_thing_has_its_exit_code(run, words, code):
    assert run(*words).code == code


def test_projects_are_made_once_and_listed(run):
    assert run("project", "create", "garden", "--name", "The garden").code == 0
    assert run("project", "create", "garden").code == 1

    assert ("garden", "The garden") in [
        (row["slug"], row["name"]) for row in run("project", "list", "--json").json
    ]
    assert "garden" in run("project", "list").out


def test_members_are_added_and_the_ledger_says_by_the_command_line(run, ada):
    run("project", "create", "garden")

    assert run("member", "add", "garden", "ada", "--role", "editor").code == 0

    assert Membership.objects.get(user=ada).role == "editor"
    assert run("member", "list", "garden", "--json").json[0]["user"] == "ada"
    event = Event.objects.get(kind="member.added")
    assert (event.data["via"], event.data["after"]) == ("cli", {"role": "editor"})
    assert ApiToken.objects.count() == 0
