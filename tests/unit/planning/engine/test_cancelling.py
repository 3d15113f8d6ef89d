"""What cancelling comes to, for every state and every way of asking."""

from itertools import product

import pytest

from tasks_app.planning.engine.decisions import (
    STOPPABLE,
    Cancel,
    Refusal,
    decide_cancel,
    decide_task_cancel,
    is_to_be_undone,
)
from tasks_app.states import (
    INSTANCE_FINAL,
    INSTANCE_MOVES,
    TASK_MOVES,
    TASK_UNSTARTED,
    InstanceState,
    OnFailure,
    TaskState,
)

I = InstanceState  # noqa: E741 - as in the table of moves
T = TaskState
EITHER = (False, True)
EVERY_WAY = [
    {"drain": drain, "compensate": compensate, "has_undos": has_undos, "is_undoable": is_undoable}
    for drain, compensate, has_undos, is_undoable in product(EITHER, repeat=4)
]
ENDS_AS = {
    Cancel.STOP: I.CANCELLED,
    Cancel.GIVE_UP: I.CANCELLED,
    Cancel.STOP_AND_UNDO: I.COMPENSATING,
    Cancel.UNDO: I.COMPENSATING,
    Cancel.RESUME_UNDO: I.COMPENSATING,
}


@pytest.mark.parametrize(
    ("state", "decision"),
    [
        (I.PENDING, Cancel.STOP),
        (I.RUNNING, Cancel.STOP),
        (I.PAUSED, Cancel.STOP),
        (I.FAILED, Cancel.GIVE_UP),
        (I.CANCELLED, Cancel.NOTHING),
        (I.COMPLETED, Refusal(state="completed")),
        (I.COMPENSATING, Refusal(state="compensating")),
        (I.COMPENSATED, Refusal(state="compensated")),
    ],
)
def test_without_compensation_the_state_decides(state, decision):
    assert decide_cancel(state=state) == decision
    assert decide_cancel(state=state, has_undos=True, is_undoable=True) == decision


@pytest.mark.parametrize(
    ("state", "with_something_to_undo", "with_nothing"),
    [
        (I.PENDING, Cancel.STOP_AND_UNDO, Cancel.STOP),
        (I.RUNNING, Cancel.STOP_AND_UNDO, Cancel.STOP),
        (I.PAUSED, Cancel.STOP_AND_UNDO, Cancel.STOP),
        (I.FAILED, Cancel.UNDO, Cancel.NOTHING_TO_UNDO),
        (I.CANCELLED, Cancel.UNDO, Cancel.NOTHING_TO_UNDO),
        (I.COMPLETED, Refusal(state="completed"), Refusal(state="completed")),
        (I.COMPENSATING, Cancel.NOTHING, Cancel.NOTHING),
        (I.COMPENSATED, Cancel.NOTHING, Cancel.NOTHING),
    ],
)
def test_with_compensation_what_can_be_undone_counts_too(state, with_something_to_undo, with_nothing):
    assert decide_cancel(state=state, compensate=True, is_undoable=True) == with_something_to_undo
    assert decide_cancel(state=state, compensate=True) == with_nothing


@pytest.mark.parametrize("state", [I.FAILED, I.CANCELLED])
@pytest.mark.parametrize("is_undoable", EITHER)
def test_a_compensation_that_began_once_goes_on(state, is_undoable):
    asked = decide_cancel(state=state, compensate=True, has_undos=True, is_undoable=is_undoable)

    assert asked is Cancel.RESUME_UNDO


@pytest.mark.parametrize("way", EVERY_WAY)
def test_only_what_runs_is_drained(way):
    drained = {state for state in I if decide_cancel(**{**way, "state": state}) is Cancel.DRAIN}

    assert drained == ({I.RUNNING} if way["drain"] else set())


@pytest.mark.parametrize("way", EVERY_WAY)
def test_no_decision_asks_for_a_move_that_the_table_forbids(way):
    for state in I:
        target = ENDS_AS.get(decide_cancel(state=state, **way))

        assert target is None or target in INSTANCE_MOVES[state]


@pytest.mark.parametrize("way", EVERY_WAY)
def test_what_may_be_stopped_is_never_refused_and_what_has_ended_never_stopped(way):
    decided = {state: decide_cancel(state=state, **way) for state in I}

    stops = {Cancel.STOP, Cancel.DRAIN, Cancel.STOP_AND_UNDO}
    assert {state for state, decision in decided.items() if decision in stops} == STOPPABLE
    assert not STOPPABLE & INSTANCE_FINAL


@pytest.mark.parametrize("of_instance", [I.RUNNING, I.PAUSED])
def test_a_task_is_cancelled_while_it_is_not_over(of_instance):
    decided = {state: decide_task_cancel(state=state, is_undo=False, of_instance=of_instance) for state in T}

    assert decided.pop(T.CANCELLED) is Cancel.NOTHING
    stopped = {state for state, decision in decided.items() if decision is Cancel.STOP}
    assert stopped == {*TASK_UNSTARTED, T.RUNNING}
    assert all(T.CANCELLED in TASK_MOVES[state] for state in stopped)
    assert all(
        decision == Refusal(state=state) for state, decision in decided.items() if state not in stopped
    )


@pytest.mark.parametrize("of_instance", [*sorted(set(I) - {I.RUNNING, I.PAUSED}), None])
def test_a_task_is_not_cancelled_in_an_instance_that_does_not_go_on(of_instance):
    asked = decide_task_cancel(state=T.PENDING, is_undo=False, of_instance=of_instance)

    assert asked == Refusal(state=f"in an instance that is {of_instance or 'gone'}")


def test_what_undoes_something_is_not_cancelled():
    asked = decide_task_cancel(state=T.RUNNING, is_undo=True, of_instance=I.COMPENSATING)

    assert asked == Refusal(state="running")


@pytest.mark.parametrize("was_asked", EITHER)
@pytest.mark.parametrize("on_failure", OnFailure)
@pytest.mark.parametrize("end", sorted(INSTANCE_FINAL))
def test_an_end_is_undone_when_somebody_asked_or_the_workflow_says_so_of_failures(end, on_failure, was_asked):
    asked = was_asked and end in {I.FAILED, I.CANCELLED}
    by_workflow = on_failure is OnFailure.COMPENSATE and end is I.FAILED

    assert is_to_be_undone(end=end, on_failure=on_failure, was_asked=was_asked) is (asked or by_workflow)
