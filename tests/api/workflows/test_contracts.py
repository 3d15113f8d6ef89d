"""``/api/v1/contracts``: made, changed under a version, validated, approved, implemented."""

import pytest

from tasks_app.models import Contract, Event

pytestmark = pytest.mark.django_db

KEYS = {
    *("id", "projectId", "featureId", "featureName", "version", "status", "api", "database", "frontend"),
    *("createdBy", "approvedBy", "createdAt", "updatedAt"),
}
API = {"method": "POST", "path": "/login", "request": {"name": "text"}, "response": {"token": "text"}}


@pytest.fixture
def client(people):
    return people.client("editor")


@pytest.fixture
def contract(client):
    body = {"featureId": "F1", "featureName": "Login", "api": API}
    told = client.post("/api/v1/contracts", body)
    assert told.status_code == 201, told.body
    return told.body["data"]


def test_it_begins_as_a_draft_in_version_1(contract):
    assert set(contract) == KEYS
    assert (contract["version"], contract["status"]) == (1, "draft")
    assert (contract["projectId"], contract["featureId"], contract["featureName"]) == ("mine", "F1", "Login")
    assert contract["createdBy"] == "mine-editor"
    assert (contract["database"], contract["frontend"]) == (None, None)


def test_keys_may_be_written_with_underscores(client):
    told = client.post("/api/v1/contracts", {"feature_id": "F2", "feature_name": "Two"})

    assert told.body["data"]["featureId"] == "F2"


def test_a_feature_has_one(client, contract):
    told = client.post("/api/v1/contracts", {"featureId": "F1", "featureName": "Again"})

    assert told.status_code == 409
    assert contract["id"] in told.body["message"]


@pytest.mark.parametrize(
    ("body", "pointer", "status"),
    [
        ({"featureName": "x"}, "/featureId", 400),
        ({"featureId": "x"}, "/featureName", 400),
        ({"featureId": "x", "featureName": "x", "api": {"path": "/x"}}, "/api", 422),
        ({"featureId": "x", "featureName": "x", "database": {"fields": []}}, "/database", 422),
        ({"featureId": "x", "featureName": "x", "frontend": {}}, "/frontend", 422),
    ],
)
def test_what_is_wrong_is_told_with_its_place(client, body, pointer, status):
    told = client.post("/api/v1/contracts", body)

    assert told.status_code == status, told.body
    assert pointer in [each["pointer"] for each in told.body["errors"]]
    assert not Contract.objects.exists()


@pytest.mark.parametrize(
    ("involves", "parts"),
    [
        (["backend"], {"api"}),
        (["database", "frontend"], {"database", "frontend"}),
        (["frontend", "backend", "database"], {"api", "database", "frontend"}),
        ([], set()),
    ],
)
def test_it_is_generated_from_what_a_feature_involves(client, involves, parts):
    feature = {"id": "F001", "name": "User Login", "module": "auth", "involves": involves}

    told = client.post("/api/v1/contracts/generate", feature)

    assert told.status_code == 201
    assert Event.objects.get(kind="contract.created").data["by"] == "mine-editor"
    made = told.body["data"]
    assert {part for part in ("api", "database", "frontend") if made[part] is not None} == parts
    assert (made["featureId"], made["featureName"], made["createdBy"]) == ("F001", "User Login", "mike_pm")
    if "backend" in involves:
        assert (made["api"]["method"], made["api"]["path"]) == ("POST", "/api/F001")


class TestChange:
    def test_the_next_version_is_a_draft_and_the_old_one_stays(self, client, contract):
        address = f"/api/v1/contracts/{contract['id']}"
        client.post(f"{address}/approve", {"version": 1})

        told = client.patch(address, {"version": 1, "frontend": {"page": "Login"}})

        assert (told.body["data"]["version"], told.body["data"]["status"]) == (2, "draft")
        versions = client.get(f"{address}/versions").body["data"]["versions"]
        assert [(each["version"], each["status"], each["frontend"]) for each in versions] == [
            (2, "draft", {"page": "Login"}),
            (1, "approved", None),
        ]

    def test_the_versions_come_page_by_page(self, client, contract):
        address = f"/api/v1/contracts/{contract['id']}"
        for version in (1, 2, 3):
            client.patch(address, {"version": version, "featureName": f"Login {version}"})

        pages = [client.get(f"{address}/versions?limit=2&offset={at}").body["data"] for at in (0, 1, 2, 4)]

        shown = [[each["version"] for each in page["versions"]] for page in pages]
        assert shown == [[4, 3], [3, 2], [2, 1], []]
        assert [page["has_more"] for page in pages] == [True, True, False, False]
        assert {page["total"] for page in pages} == {4}

    def test_a_version_that_is_no_more_is_refused(self, client, contract):
        address = f"/api/v1/contracts/{contract['id']}"
        client.patch(address, {"version": 1, "featureName": "New"})

        by_body = client.patch(address, {"version": 1, "featureName": "Newer"})
        by_header = client.patch(address, {"featureName": "Newer"}, headers={"If-Match": '"1"'})

        assert (by_body.status_code, by_header.status_code) == (409, 412)
        assert client.get(address).body["data"]["featureName"] == "New"

    def test_if_match_takes_the_etag(self, client, contract):
        address = f"/api/v1/contracts/{contract['id']}"
        etag = client.get(address).headers["ETag"]

        told = client.patch(address, {"featureName": "New"}, headers={"If-Match": etag})

        assert told.status_code == 200
        assert told.headers["ETag"] != etag

    def test_somebody_has_to_say_what_they_read(self, client, contract):
        told = client.patch(f"/api/v1/contracts/{contract['id']}", {"featureName": "New"})

        assert told.status_code == 400
        assert told.body["errors"][0]["pointer"] == "/version"


class TestAgree:
    def test_it_is_validated_approved_and_implemented(self, client, contract):
        address = f"/api/v1/contracts/{contract['id']}"

        valid = client.post(f"{address}/validate").body["data"]
        early = client.post(f"{address}/implemented", {"version": 1})
        approved = client.post(f"{address}/approve", {"version": 1}).body["data"]
        done = client.post(f"{address}/implemented", {"version": 1}).body["data"]

        assert valid == {"valid": True, "version": 1, "problems": []}
        assert early.status_code == 409
        assert (approved["status"], approved["approvedBy"]) == ("approved", "mine-editor")
        assert done["status"] == "implemented"

    def test_what_is_missing_is_told(self, client):
        body = {"featureId": "F", "featureName": "F", "database": {"table": "users"}}
        address = f"/api/v1/contracts/{client.post('/api/v1/contracts', body).body['data']['id']}"

        told = client.post(f"{address}/validate").body["data"]
        refused = client.post(f"{address}/approve", {"version": 1})

        assert told["valid"] is False
        assert told["problems"][0]["message"] == "database fields are required"
        assert refused.status_code == 409


def test_the_list_is_filtered(client, contract):
    client.post("/api/v1/contracts", {"featureId": "F2", "featureName": "Two"})

    def found(query):
        items = client.get(f"/api/v1/contracts{query}").body["data"]["items"]
        return [each["featureId"] for each in items]

    assert found("") == ["F2", "F1"]
    assert found("?featureId=F1") == ["F1"]
    assert found("?status=approved") == []
    assert client.get("/api/v1/contracts?status=lost").status_code == 400


def test_it_is_sent_again_only_when_it_changed(client, contract):
    address = f"/api/v1/contracts/{contract['id']}"
    etag = client.get(address).headers["ETag"]

    assert client.get(address, headers={"If-None-Match": etag}).status_code == 304
    client.post(f"{address}/approve", {"version": 1})
    assert client.get(address, headers={"If-None-Match": etag}).status_code == 200


def test_it_is_deleted(client, contract):
    address = f"/api/v1/contracts/{contract['id']}"

    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("stale", ['"1"', '"1-draft"', 'W/"1-draft"', '"2-approved"', "nonsense"])
def test_it_is_not_deleted_in_a_version_that_nobody_read(client, contract, stale):
    address = f"/api/v1/contracts/{contract['id']}"
    client.patch(address, {"version": 1, "featureName": "New"})

    told = client.delete(address, headers={"If-Match": stale})

    assert told.status_code == 412, told.body
    assert Contract.objects.exists()


@pytest.mark.parametrize("read", ['"1"', '"1-draft"', 'W/"1-draft"', '"9-draft", "1-draft"', "*"])
def test_it_is_deleted_in_the_version_that_was_read(client, contract, read):
    told = client.delete(f"/api/v1/contracts/{contract['id']}", headers={"If-Match": read})

    assert told.status_code == 204, told.body
    assert not Contract.objects.exists()


def test_every_change_is_an_event_with_who_and_what(client, contract):
    address = f"/api/v1/contracts/{contract['id']}"
    client.patch(address, {"version": 1, "featureName": "New"})
    client.post(f"{address}/approve", {"version": 2})
    client.delete(address)

    events = list(Event.objects.filter(kind__startswith="contract.").order_by("pk"))

    assert [each.kind for each in events] == [
        *("contract.created", "contract.changed", "contract.approved", "contract.deleted")
    ]
    assert {each.data["by"] for each in events} == {"mine-editor"}
    assert events[1].data["before"] == {"version": 1, "feature_name": "Login"}
    assert events[1].data["after"] == {"version": 2, "feature_name": "New"}
