"""Whoever sits at this machine needs no token; who only seems to, does."""

import pytest

from tasks_app.models import Project
from tests.api.people import ApiClient

pytestmark = pytest.mark.django_db
ME = "/api/v1/auth/me"
LOCAL = "127.0.0.1:8848"


@pytest.fixture
def local(configured):
    """A client at this machine, of a server that trusts it."""
    configured(trust_local=True)
    return ApiClient(Host=LOCAL)


def test_curl_at_this_machine_is_the_local_caller(local):
    me = local.get(ME).body["data"]

    assert (me["kind"], me["username"], me["is_superuser"]) == ("local", "local", True)


@pytest.mark.parametrize("host", ["localhost", "localhost:8848", "[::1]:8848", "127.0.0.2"])
def test_by_each_of_its_names(configured, host):
    configured(trust_local=True)

    assert ApiClient(Host=host).get(ME).status_code == 200


def test_not_where_other_machines_can_come_in():
    assert ApiClient(Host=LOCAL).get(ME).status_code == 401


@pytest.mark.parametrize("address", ["192.0.2.7", "10.0.0.1", "", "::ffff:192.0.2.1"])
def test_not_from_another_machine(local, address):
    assert local.get(ME, REMOTE_ADDR=address).status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8848", "localhost.evil.example", "127.0.0.1.evil.example", "[bad"]
)
def test_not_by_a_name_that_was_made_to_point_here(configured, host):
    configured(trust_local=True)

    assert ApiClient(Host=host).get(ME).status_code in {400, 401}


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Forwarded-Host", "Via"])
def test_not_through_a_proxy_that_speaks_for_others(local, header):
    assert local.get(ME, headers={header: "127.0.0.1"}).status_code == 401


class TestOtherSites:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://localhost:3000"},
            {"Origin": "https://127.0.0.1:8848"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ],
    )
    def test_their_pages_change_nothing(self, local, headers):
        told = local.post("/api/v1/projects", {"slug": "x", "name": "X"}, headers=headers)

        assert told.status_code == 401
        assert not Project.objects.filter(slug="x").exists()

    def test_a_form_that_is_no_json_is_not_read(self, local):
        told = local.call(
            "POST", "/api/v1/projects", raw=b'{"slug": "x", "name": "X"}', content_type="text/plain"
        )

        assert told.status_code == 415

    @pytest.mark.parametrize(
        "headers",
        [{"Origin": f"http://{LOCAL}"}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}],
    )
    def test_its_own_pages_do(self, local, headers):
        told = local.post("/api/v1/projects", {"slug": "x", "name": "X"}, headers=headers)

        assert told.status_code == 201

    def test_a_site_that_was_named_does(self, local, settings):
        settings.CORS_ALLOWED_ORIGINS = ["http://localhost:3000"]

        told = local.post(
            "/api/v1/projects", {"slug": "x", "name": "X"}, headers={"Origin": "http://localhost:3000"}
        )

        assert told.status_code == 201


def test_who_shows_a_token_is_whom_it_stands_for(people, local):
    client = people.client("viewer", Host=LOCAL)

    assert client.get(ME).body["data"]["username"] == "mine-viewer"
    assert client.patch("/api/v1/projects/mine", {"weight": 2}).status_code == 403


def test_a_bad_token_is_not_made_good_by_the_place(local):
    assert local.get(ME, headers={"Authorization": "Bearer nonsense"}).status_code == 401


def test_what_it_makes_belongs_to_the_default_project(local):
    made = local.post("/api/v1/tokens", {"name": "ci", "role": "operator"}).body["data"]

    assert (made["project"], made["username"], made["created_by"]) == ("default", None, "local")
