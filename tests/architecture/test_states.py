"""The table of legal moves is complete, and nothing leaves a final state by accident."""

from tasks_app import states
from tasks_app.states import InstanceState, TaskState
from tests.architecture.sources import listed

TABLES = [
    (TaskState, states.TASK_MOVES, states.TASK_FINAL, states.TASK_UNFINISHED),
    (InstanceState, states.INSTANCE_MOVES, states.INSTANCE_FINAL, states.INSTANCE_UNFINISHED),
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


def told(states):
    return listed(f"{type(state).__name__}.{state.name}" for state in states)


def test_every_state_has_a_row():
    odd = [state for words, table, *_ in TABLES for state in set(words) ^ set(table)]

    assert not odd, told(odd)


def test_every_move_ends_in_a_state():
    strange = {
        f"{state} → {target}"
        for words, table, *_ in TABLES
        for state, targets in table.items()
        for target in targets - set(words)
    }

    assert not strange, listed(strange)


def test_no_state_moves_to_itself():
    circling = [state for _, table, *_ in TABLES for state in table if state in table[state]]

    assert not circling, told(circling)


def test_every_state_can_be_reached_from_pending():
    lost = [
        state
        for words, table, *_ in TABLES
        for state in set(words) - reachable(table, words.PENDING) - {words.PENDING}
    ]

    assert not lost, told(lost)


def test_every_unfinished_state_can_end():
    endless = [
        state
        for _, table, final, unfinished in TABLES
        for state in unfinished
        if not reachable(table, state) & final
    ]

    assert not endless, told(endless)


def test_a_final_state_is_left_only_by_retry_or_compensation():
    left = {
        f"{state} → {target}"
        for _, table, final, _ in TABLES
        for state in final
        for target in table[state] - WAYS_BACK
    }

    assert not left, listed(left)


def test_a_state_is_final_or_unfinished():
    neither_or_both = [
        state
        for words, _, final, unfinished in TABLES
        for state in set(words) | final | unfinished
        if state not in set(words) or (state in final) == (state in unfinished)
    ]

    assert not neither_or_both, told(neither_or_both)


def test_a_completed_task_is_never_run_again():
    assert states.TASK_MOVES[TaskState.COMPLETED] <= {TaskState.COMPENSATING}
    assert states.TASK_MOVES[TaskState.COMPENSATED] == frozenset()


def test_the_sources_of_a_state_are_the_table_read_backwards():
    wrong = {
        f"{source} → {target}"
        for table, sources in (
            (states.TASK_MOVES, states.task_sources),
            (states.INSTANCE_MOVES, states.instance_sources),
        )
        for source in table
        for target in table
        if (target in table[source]) != (source in sources(target))
    }

    assert not wrong, listed(wrong)
