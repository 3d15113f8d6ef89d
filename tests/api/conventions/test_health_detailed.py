"""What an operator is told of the installation, and a stranger is not."""

import pytest

from cpds.host.health import checks
from tasks_app.services.submit.loose import create_tasks
from workers_app.transports.http.workers import HttpRegistration, register_http_worker

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "/api/v1/health/detailed"


def test_it_tells_how_everything_is(people):
    told = people.client("viewer").get(ADDRESS)

    assert told.status_code == 200
    data = told.body["data"]
    assert data["status"] == "healthy"
    assert data["database"]["status"] == data["broker"]["status"] == "connected"
    assert data["workers"].keys() == {"idle", "online", "busy", "draining", "offline"}
    assert data["versions"].keys() == {"cpds", "python", "django", "celery"}
    assert 0 < data["disk"]["free_bytes"] <= data["disk"]["total_bytes"]


@pytest.mark.parametrize("server", ["database", "broker"])
def test_it_is_503_without_a_server_and_says_which(people, monkeypatch, server):
    monkeypatch.setattr(checks, f"{server}_answers", lambda: False)

    told = people.client("viewer").get(ADDRESS)

    assert told.status_code == told.body["code"] == 503
    assert told.body["data"][server]["status"] == "disconnected"
    assert (told.body["data"]["tasks"] is None) == (server == "database")


def test_tasks_are_counted_in_the_callers_projects_only(people):
    create_tasks(tasks=[{"task_id": name, "executor": "noop"} for name in "abc"], project=people.theirs)

    def open_tasks(client):
        return sum(client.get(ADDRESS).body["data"]["tasks"].values())

    assert open_tasks(people.client("viewer", "theirs")) == 3
    assert open_tasks(people.client("viewer")) == 0
    assert open_tasks(people.superuser()) == 3


def test_workers_of_other_projects_are_not_counted(people):
    for project in (people.mine, people.theirs):
        register_http_worker(project_id=project.pk, registration=HttpRegistration(name=f"of-{project.slug}"))

    def workers(client):
        return sum(client.get(ADDRESS).body["data"]["workers"].values())

    assert workers(people.client("viewer")) == 1
    assert workers(people.client("viewer", "theirs")) == 1
    assert workers(people.superuser()) == 2
