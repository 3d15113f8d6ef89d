"""Whoever asks again is sent only what has changed."""

import pytest
from drf_spectacular.generators import SchemaGenerator

from tests.support.loose import an_external

pytestmark = pytest.mark.django_db
POLLED = [
    "/api/v1/instances",
    "/api/v1/instances/{instance}/why",
    "/api/v1/tasks",
    "/api/v1/tasks?projectId=mine",
    "/api/v1/tasks/A",
    "/api/v1/tasks/A/why",
    "/api/v1/workers",
    "/api/status",
    "/api/tasks/pending",
    "/api/tasks/A",
]


@pytest.fixture
def client(people):
    return people.client("operator")


@pytest.fixture
def instance(client):
    return client.post("/api/v1/tasks", an_external("A")).body["data"]["instance_id"]


@pytest.mark.parametrize("address", POLLED)
def test_it_is_sent_again_only_when_it_changed(client, instance, address, monkeypatch):
    address = address.format(instance=instance)
    first = client.get(address)
    known = {"If-None-Match": first.headers["ETag"]}

    monkeypatch.setattr("workers_app.api.compat.cpds.views.uptime_seconds", lambda: 12_345.0)
    again = client.get(address, headers=known)
    client.post("/api/workers/register", {"worker_id": "W", "name": "w"})
    client.post("/api/tasks/assign", {"worker_id": "W", "task_id": "A"})
    changed = client.get(address, headers=known)

    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert changed.status_code == 200
    assert changed.body != first.body


class TestSchema:
    """What the schema tells clients that are generated from it."""

    @pytest.fixture
    def paths(self):
        return SchemaGenerator().get_schema(request=None, public=True)["paths"]

    def headers(self, operation):
        return {each["name"] for each in operation["parameters"] if each["in"] == "header"}

    @pytest.mark.parametrize(
        "path",
        [
            *(
                "/api/v1/instances",
                "/api/v1/instances/{instance}/why",
                "/api/v1/tasks",
                "/api/v1/tasks/{task}",
            ),
            *("/api/v1/tasks/{task}/why", "/api/v1/workers", "/api/v1/contracts/{contract}"),
            *("/api/status", "/api/tasks/pending", "/api/tasks/{task_id}"),
        ],
    )
    def test_what_is_polled_says_so(self, paths, path):
        operation = paths[path]["get"]

        assert "If-None-Match" in self.headers(operation)
        assert "304" in operation["responses"]
        assert "ETag" in operation["responses"]["200"]["headers"]

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("patch", "/api/v1/contracts/{contract}"),
            ("delete", "/api/v1/contracts/{contract}"),
            ("post", "/api/v1/contracts/{contract}/approve"),
            ("post", "/api/v1/contracts/{contract}/implemented"),
            ("put", "/api/v1/workflows/{workflow}/schedule"),
            ("delete", "/api/v1/workflows/{workflow}/schedule"),
        ],
    )
    def test_what_is_guarded_says_so(self, paths, method, path):
        operation = paths[path][method]

        assert "If-Match" in self.headers(operation)
        assert method == "delete" or "ETag" in operation["responses"]["200"]["headers"]
