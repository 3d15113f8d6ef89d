"""The endpoints that are asked most are light: so many statements each, the token's included."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.loose import an_external

pytestmark = pytest.mark.django_db


class Hot:
    """A project of twenty tasks, one of them held by a worker that speaks HTTP."""

    def __init__(self, people):
        self.person, self.worker = people.client("operator"), people.worker()
        tasks = [an_external(f"T{number}") for number in range(20)]
        assert self.person.post("/api/v1/tasks", {"tasks": tasks}).status_code == 201
        told = self.worker.post("/api/v1/workers/register", {"id": "W", "name": "w", "slots": 20})
        assert told.status_code < 300, told.body
        self.claim()

    def claim(self):
        told = self.worker.post("/api/v1/workers/W/claims", {"limit": 1})
        assert told.status_code < 300, told.body
        return told

    def heartbeat(self):
        return self.worker.post("/api/v1/workers/W/heartbeat", {})

    def list_20(self):
        return self.person.get("/api/v1/tasks?limit=20")

    def status(self):
        return self.person.get("/api/v1/tasks/T0")

    def alive(self):
        return self.person.get("/livez")


@pytest.fixture
def hot(people):
    return Hot(people)


@pytest.mark.parametrize(
    ("endpoint", "most"),
    [("claim", 13), ("heartbeat", 4), ("list_20", 2), ("status", 3), ("alive", 0)],
)
def test_it_takes_few_statements(hot, endpoint, most):
    getattr(hot, endpoint)()

    with CaptureQueriesContext(connection) as seen:
        told = getattr(hot, endpoint)()

    assert told.status_code < 300, told.body
    statements = [each["sql"] for each in seen if "SAVEPOINT" not in each["sql"]]
    assert len(statements) <= most, "\n".join(statements)
