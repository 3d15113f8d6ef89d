"""The table of legal moves is complete, and nothing leaves a final state by accident."""

import pytest

from tasks_app import states
from tasks_app.states import InstanceState, TaskState

TABLES = [
    pytest.param(TaskState, states.TASK_MOVES, states.TASK_FINAL, states.TASK_UNFINISHED, id="task"),
    pytest.param(
        InstanceState, states.INSTANCE_MOVES, states.INSTANCE_FINAL, states.INSTANCE_UNFINISHED, id="instance"
    ),
]
# The ways out of a final state: retrying an instance, compensating what was done, and giving up what failed.
WAYS_BACK = frozenset(
    {
        TaskState.PENDING,
        TaskState.COMPENSATING,
        InstanceState.RUNNING,
        InstanceState.COMPENSATING,
        InstanceState.CANCELLED,
    }
)


def reachable(table, start):
    found, ahead = set(), [start]
    while ahead:
        for target in table[ahead.pop()] - found:
            found.add(target)
            ahead.append(target)
    return found


@pytest.mark.parametrize(("words", "table", "final", "unfinished"), TABLES)
class TestTheTable:
    def test_every_state_has_a_row(self, words, table, final, unfinished):
        assert set(table) == set(words)

    def test_every_move_ends_in_a_state(self, words, table, final, unfinished):
        assert set().union(*table.values()) <= set(words)

    def test_no_state_moves_to_itself(self, words, table, final, unfinished):
        assert [state for state in table if state in table[state]] == []

    def test_every_state_can_be_reached_from_pending(self, words, table, final, unfinished):
        assert reachable(table, words.PENDING) | {words.PENDING} == set(words)

    def test_every_unfinished_state_can_end(self, words, table, final, unfinished):
        assert [state for state in unfinished if not reachable(table, state) & final] == []

    def test_a_final_state_is_left_only_by_retry_or_compensation(self, words, table, final, unfinished):
        assert {target for state in final for target in table[state]} <= WAYS_BACK

    def test_a_state_is_final_or_unfinished(self, words, table, final, unfinished):
        assert final | unfinished == set(words)
        assert not final & unfinished


def test_a_completed_task_is_never_run_again():
    assert states.TASK_MOVES[TaskState.COMPLETED] <= {TaskState.COMPENSATING}
    assert states.TASK_MOVES[TaskState.COMPENSATED] == frozenset()


@pytest.mark.parametrize(
    ("words", "table", "sources"),
    [
        (TaskState, states.TASK_MOVES, states.task_sources),
        (InstanceState, states.INSTANCE_MOVES, states.instance_sources),
    ],
)
def test_the_sources_of_a_state_are_the_table_read_backwards(words, table, sources):
    forwards = {(source, target) for source in table for target in table[source]}

    assert {(source, target) for target in words for source in sources(target)} == forwards
