"""What holds for every address: ids, errors, headers, pages."""

import logging
import re

import pytest
from django.test import RequestFactory

from cpds.api.responses.paging import CURSOR_PATTERN, write_cursor
from tasks_app.models import Project
from tests.api.people import ApiClient

pytestmark = pytest.mark.django_db


class TestUnknownAddresses:
    @pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/projects/", "/api/v1", "/api/v1/%00"])
    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "BREW"])
    def test_they_are_not_found_whatever_the_method(self, anybody, path, method):
        told = anybody.call(method, path)

        assert told.status_code == 404
        assert told.body["code"] == 404
        assert told.body["errors"][0]["code"] == "unknown_address"

    @pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/é"])
    def test_the_compat_surface_says_it_in_its_own_way(self, anybody, path):
        told = anybody.get(path)

        assert told.status_code == 404
        assert told.body["success"] is False
        assert told.body["error"].startswith("Nothing answers at")


def test_another_method_is_405_and_says_which_there_are(people):
    told = people.client("viewer").call("PUT", "/api/v1/projects/mine", {})

    assert told.status_code == 405
    assert set(told.headers["Allow"].split(", ")) == {"GET", "PATCH", "HEAD", "OPTIONS"}
    assert told.body["code"] == 405


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Method-Override"])
def test_a_method_is_what_it_is(people, header):
    told = people.client("admin").post("/api/v1/projects/mine", {}, headers={header: "PATCH"})

    assert told.status_code == 405


class TestRequestIds:
    def test_one_is_given(self, anybody):
        one, other = (anybody.get("/api/v1/auth/me").headers["X-Request-ID"] for _ in range(2))

        assert one != other
        assert len(one) == 32

    def test_ones_own_is_kept(self, anybody):
        told = anybody.get("/api/v1/auth/me", headers={"X-Request-ID": "deploy-7:step_2.a"})

        assert told.headers["X-Request-ID"] == told.body["request_id"] == "deploy-7:step_2.a"

    @pytest.mark.parametrize("given", ["", "a b", "x" * 65, "é", "a;b", "<script>"])
    def test_what_is_none_is_replaced(self, anybody, given):
        assert (
            anybody.get("/api/v1/auth/me", headers={"X-Request-ID": given}).headers["X-Request-ID"] != given
        )


def test_a_bug_tells_its_id_and_nothing_else(people, monkeypatch, caplog):
    def fail(*_args, **_kwargs):
        raise ZeroDivisionError("the password is swordfish")

    monkeypatch.setattr("tasks_app.api.access.projects.find_project", fail)

    with caplog.at_level(logging.ERROR):
        told = people.client("viewer").get("/api/v1/projects/mine")

    assert told.status_code == 500
    assert "swordfish" not in str(told.body)
    assert told.body["code"] == 500
    assert told.body["request_id"] in caplog.text


def test_a_foreign_host_is_told_so_in_json(settings, anybody):
    settings.ALLOWED_HOSTS = ["localhost"]

    told = anybody.get("/api/v1/auth/me", headers={"Host": "evil.example"})

    assert told.status_code == 400
    assert told.body["code"] == 400


class TestPages:
    @pytest.mark.parametrize(
        "query",
        [
            "limit=0",
            "limit=101",
            "limit=-1",
            "limit=abc",
            "limit=1e2",
            "limit=",
            "offset=-1",
            "offset=x",
            "limit=٣",
        ],
    )
    def test_what_is_out_of_bounds_is_a_mistake(self, people, query):
        told = people.client("viewer").get(f"/api/v1/projects?{query}")

        assert told.status_code == 400
        assert told.body["errors"][0]["pointer"] == f"?{query.partition('=')[0]}"

    def test_they_follow_one_another(self, people):
        Project.objects.bulk_create(Project(slug=f"p{place:02}", name="P") for place in range(28))
        root = people.superuser()

        first, last = (root.get(f"/api/v1/projects?offset={at}").body["data"] for at in (0, 20))

        assert (first["total"], len(first["items"]), first["has_more"]) == (30, 20, True)
        assert (last["total"], len(last["items"]), last["has_more"]) == (30, 10, False)
        slugs = [item["slug"] for item in [*first["items"], *last["items"]]]
        assert slugs == sorted(set(slugs))

    @pytest.mark.parametrize(
        "cursor", ["x", "a:b", "%00", "k", "k-1", write_cursor(1) + "k", "k" * 500, "k" + "9" * 19, "k١"]
    )
    def test_a_forged_cursor_is_a_mistake(self, people, cursor):
        assert people.client("admin").get(f"/api/v1/audit?cursor={cursor}").status_code == 400

    def test_an_empty_cursor_is_none_and_the_schema_says_so(self, people):
        admin = people.client("admin")

        assert admin.get("/api/v1/audit?cursor=").body == admin.get("/api/v1/audit").body
        assert re.search(CURSOR_PATTERN, "")


class TestHeaders:
    def test_data_may_load_nothing(self, anybody):
        told = anybody.get("/api/v1/auth/me")

        assert told.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert told.headers["X-Content-Type-Options"] == "nosniff"
        assert told.headers["X-Frame-Options"] == "DENY"
        assert told.headers["Content-Type"] == "application/json"

    def test_pages_load_their_own_only(self, client):
        policy = client.get("/admin/login/").headers["Content-Security-Policy"]

        assert "script-src 'self';" in policy

    @pytest.mark.parametrize(
        "origin", ["null", "https://evil.example", "https://app.example.com.evil.example"]
    )
    def test_other_sites_get_no_answer_from_a_browser(self, settings, anybody, origin):
        settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]

        told = anybody.get("/api/v1/auth/me", headers={"Origin": origin})

        assert "Access-Control-Allow-Origin" not in told.headers

    def test_a_site_that_was_named_does(self, settings, anybody):
        settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]

        told = anybody.get("/api/v1/auth/me", headers={"Origin": "https://app.example.com"})

        assert told.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
        assert "Access-Control-Allow-Credentials" not in told.headers


def test_an_etag_is_answered_with_304():
    from rest_framework.request import Request

    from cpds.api.responses.etags import etag_of, unchanged

    etag = etag_of("inst-1", 7)
    asked = Request(RequestFactory().get("/", headers={"If-None-Match": etag}))

    assert unchanged(asked, etag).status_code == 304
    assert unchanged(asked, etag_of("inst-1", 8)) is None


def test_json_is_answered_whatever_is_accepted(people):
    client = people.client("viewer")

    for accept in ("text/html", "application/xml", "image/*;q=0", "nonsense"):
        told = client.get("/api/v1/projects/mine", headers={"Accept": accept})
        assert told.status_code == 200
        assert told.body["code"] == 0


class TestSessions:
    def test_staff_look_through_the_browsable_api(self, people, client):
        client.force_login(people.root)

        page = client.get("/api/v1/projects", headers={"Accept": "text/html"})

        assert page.status_code == 200
        assert page.headers["Content-Type"].startswith("text/html")
        assert b"theirs" in page.content

    def test_a_session_changes_nothing(self, people, client):
        client.force_login(people.root)

        told = client.post("/api/v1/projects", {"slug": "x", "name": "X"}, content_type="application/json")

        assert told.status_code == 401
        assert not Project.objects.filter(slug="x").exists()

    def test_the_session_of_others_is_not_seen(self, people, client):
        client.force_login(people.user("admin"))

        assert client.get("/api/v1/projects").status_code == 401


def test_the_schema_has_every_door_and_the_documentation_loads_its_own_files(anybody, client):
    schema = anybody.get("/api/schema", headers={"Accept": "application/vnd.oai.openapi+json"})
    page = client.get("/docs")

    assert page.status_code == 200
    assert b"cdn" not in page.content
    assert schema.status_code == 200


def test_a_client_of_no_project_sees_an_empty_list(people):
    assert people.without_project().get("/api/v1/projects").body["data"]["items"] == []
    assert isinstance(people.nobody(), ApiClient)
