"""Whatever happens to messages and workers, every instance ends and nothing counts twice."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.db.histories import History

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
# The same histories in every run: a failure is met again, and its seed need not be kept.
BOUNDS = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)


def test_no_history_breaks_the_engine(doorbell, fleet):
    class OnThisDoorbell(History):
        def fresh_doorbell(self):
            doorbell.take()
            doorbell.canvases.clear()
            return doorbell

    run_state_machine_as_test(OnThisDoorbell, settings=BOUNDS)
