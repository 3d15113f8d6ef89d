"""Every GET of the matrix takes as many statements at a hundred rows as at ten."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks_app.models import Instance, Workflow
from tests.api.growing import grow
from tests.api.matrix import LINES
from tests.api.people import MINE
from tests.api.seeds import SEEDS

pytestmark = pytest.mark.django_db
READ = sorted({line.path for line in LINES if line.method == "GET" and line.people})
LISTS = [
    *("/api/v1/workflows", "/api/v1/instances", "/api/v1/events", "/api/v1/tokens", "/api/v1/projects"),
    *("/api/v1/projects/mine/members", "/api/v1/workflows/{workflow}/versions"),
    *("/api/v1/instances/{running}/tasks", "/api/v1/instances/{running}/events"),
    *("/api/v1/instances/{running}/logs", "/api/v1/instances/{running}/graph"),
]


def address(path, people, made):
    for name, make in SEEDS.items():
        if f"{{{name}}}" in path:
            made.setdefault(name, make(people))
            path = path.replace(f"{{{name}}}", made[name])
    return f"{path}{'&' if '?' in path else '?'}limit=100"


def asked(client, path):
    """Return the answer and its statements; addresses that are no lists take no ``limit``."""
    with CaptureQueriesContext(connection) as captured:
        told = client.get(path)
    if told.status_code == 400 and "limit" in told.body["message"]:
        return asked(client, path.replace("?limit=100", "").replace("&limit=100", ""))
    assert told.status_code < 400, told.body
    return told, [each["sql"] for each in captured.captured_queries]


def rows_in(told):
    data = told.body.get("data") if told.body else None
    if isinstance(data, dict):
        data = next((data[key] for key in ("items", "nodes", "tasks", "workers") if key in data), None)
    return len(data) if isinstance(data, list) else None


@pytest.mark.parametrize("path", READ)
def test_a_hundred_rows_take_no_more_statements_than_ten(path, people):
    made = {}
    running = made.setdefault("running", SEEDS["running"](people))
    workflow = made.setdefault("workflow", SEEDS["workflow"](people))
    whole = address(path, people, made)
    client = people.client("admin") if path != "/api/v1/projects" else people.superuser()
    client.headers["X-CPDS-Project"] = MINE
    grown = {
        "among": Instance.objects.get(public_id=running),
        "workflow": Workflow.objects.get(public_id=workflow),
    }

    grow(people, 10, **grown)
    asked(client, whole)
    few, statements_of_few = asked(client, whole)
    grow(people, 90, **grown)
    many, statements_of_many = asked(client, whole)

    assert len(statements_of_many) <= len(statements_of_few), "\n".join(statements_of_many)
    if path in LISTS:
        assert rows_in(many) > rows_in(few), "the list must have grown, or nothing was compared"
