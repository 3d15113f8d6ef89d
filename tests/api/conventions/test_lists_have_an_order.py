"""Lists of tasks are read along an index, however many there are: nobody sorts them all for a page."""

import json

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from tasks_app.models import Task
from tests.api.given_instances import started
from tests.support.copies import copy_row

pytestmark = pytest.mark.django_db
MANY = 12_000
A_PAGE = 200
"""Rows that may be sorted: those of a page, not those of a table."""
ENDPOINTS = [
    "/api/tasks/completed?limit=100",
    "/api/tasks/pending?limit=20",
    "/api/v1/tasks?limit=100",
]


@pytest.fixture
def many(people):
    """As many completed tasks, in two projects."""
    for project in (people.mine, people.theirs):
        like = Task.objects.get(instance=started(project))
        done = {"status": "completed", "settled": True, "satisfies": True}
        Task.objects.filter(pk=like.pk).update(**done, finished_at=Now())
        copy_row(like, number=MANY // 2, numbered={"name": "t-"})


def plan_of(statement):
    """Return how many rows the database expects to sort for a statement."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
            return MANY * any("TEMP B-TREE FOR ORDER BY" in row[-1] for row in cursor.fetchall())
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}")
        found = cursor.fetchone()[0]
        [whole] = found if isinstance(found, list) else json.loads(found)
    return max(sorted_rows(whole["Plan"]), default=0)


def sorted_rows(node):
    if node["Node Type"] in {"Sort", "Incremental Sort"}:
        yield max(inner["Plan Rows"] for inner in node["Plans"])
    for inner in node.get("Plans", ()):
        yield from sorted_rows(inner)


@pytest.mark.parametrize("who", ["of one project", "of all"])
def test_no_page_is_cut_from_a_sorted_table(many, people, who):
    client = people.client("admin") if who == "of one project" else people.superuser()

    sorts = {}
    for endpoint in ENDPOINTS:
        with CaptureQueriesContext(connection) as asked:
            told = client.get(endpoint)
        assert told.status_code == 200, told.body
        for statement in (each["sql"] for each in asked.captured_queries):
            if "ORDER BY" in statement and (rows := plan_of(statement)) > A_PAGE:
                sorts[f"{endpoint}: {statement}"] = rows

    assert sorts == {}
