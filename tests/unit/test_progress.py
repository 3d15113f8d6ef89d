"""Progress adds up, and says what an operator takes it to say."""

import pytest
from msgspec.structs import astuple

from tasks_app.services.queries import progress_of
from tasks_app.services.queries.views.instances import ProgressView
from tasks_app.states import TaskState


def test_a_task_ruled_out_by_a_failure_is_not_done():
    progress = progress_of({"completed": 1, "failed": 1, "skipped": 3})

    assert progress == ProgressView(total=5, completed=1, running=0, failed=4, pending=0)


@pytest.mark.parametrize("state", TaskState)
def test_every_state_counts_once(state):
    total, *parts = astuple(progress_of({state: 7}))

    assert total == 7
    assert sorted(parts) == [0, 0, 0, 7]
