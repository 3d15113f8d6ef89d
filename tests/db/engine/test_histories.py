"""Whatever happens to messages and workers, every instance ends and nothing counts twice."""

import pytest

from tests.db.engine.histories import History

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
HISTORIES, STEPS, PARTS = 48, 40, 4


@pytest.mark.parametrize("part", range(PARTS))
def test_no_history_breaks_the_engine(part, doorbell, fleet):
    for seed in range(part, HISTORIES, PARTS):
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
