"""Whatever happens to messages and workers, every instance ends and nothing counts twice."""

import pytest
from django.db import connection

from tests.db.engine.histories import History

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
HISTORIES, STEPS, PARTS = 48, 40, 4
"""Half of the histories on each database: what is drawn happens to the engine, not to the database."""


@pytest.mark.parametrize("part", range(PARTS))
def test_no_history_breaks_the_engine(part, doorbell, fleet):
    first = 2 * part + (connection.vendor == "postgresql")
    for seed in range(first, HISTORIES, 2 * PARTS):
        doorbell.take()
        try:
            history = History(seed, doorbell)
            for _ in range(STEPS):
                history.step()
                history.check()
            history.end()
        except AssertionError as error:
            error.add_note(f"in the history of seed {seed}")
            raise
