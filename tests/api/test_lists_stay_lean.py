"""A list costs as many statements for many rows as for few."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from cpds.base import db
from tests.admin.rows import everything
from tests.api.matrix import LINES
from tests.api.people import ApiClient, everybody, token_for
from tests.api.seeds import filled

pytestmark = pytest.mark.django_db
READS = [line for line in LINES if line.method == "GET" and line.people]


def statements(client, path):
    client.get(path)  # the first use of a token is noted
    with CaptureQueriesContext(connection) as asked:
        told = client.get(path)
    assert told.status_code == 200, told.content
    return [query["sql"] for query in asked.captured_queries]


def statements_for(count, client, path):
    """Return what a list asks the database when it has so many rows, which are gone afterwards."""
    with db.transaction():
        everything(count)
        found = statements(client, path)
        transaction.set_rollback(True)
    return found


@pytest.mark.parametrize("line", READS, ids=str)
def test_for_ten_rows_and_for_a_hundred(line):
    people = everybody()
    client = ApiClient(token_for(people.root, None))
    sign = "&" if "?" in line.path else "?"
    path = filled(line.path, people)
    path = f"{path}{sign}limit=100" if _takes_limit(client, path) else path

    few, many = (statements_for(count, client, path) for count in (10, 100))

    assert len(many) == len(few), "\n".join(many)


def _takes_limit(client, path):
    body = client.get(path).body
    data = body.get("data") if isinstance(body, dict) else None
    return isinstance(data, dict) and "items" in data
