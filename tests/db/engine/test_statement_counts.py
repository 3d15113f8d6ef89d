"""The hot path sends few SQL statements, and a change that adds one is seen here."""

from typing import Any

import pytest

from tasks_app.services.workflows.definitions import upload_workflow
from tests.benchmarks.statements import count_statements
from tests.support.builders import a_chain, a_fan, a_workflow

pytestmark = pytest.mark.django_db(transaction=True)

SUBMIT_STATEMENTS = 24  # SQLite takes 999 values at a time, so a wide table takes more statements


@pytest.mark.parametrize(
    ("tasks", "statements", "transactions"),
    [
        pytest.param(a_chain(100), 760, 204, id="a chain of 100"),
        pytest.param(a_fan(200), 1850, 440, id="1 to 200 to 1"),
    ],
)
def test_a_shape_takes_no_more_statements_than_before(
    tasks: list[dict[str, Any]], statements: int, transactions: int
) -> None:
    upload_workflow(source=a_workflow(*tasks, name="counted").encode())

    counted = count_statements("counted")

    assert counted.submit.statements <= SUBMIT_STATEMENTS
    assert counted.run.statements <= statements
    assert counted.run.transactions <= transactions
    assert counted.submit.transactions <= 2
