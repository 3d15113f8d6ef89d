"""Whatever the graph, what fails and what can be undone: exactly what completed is undone, backwards."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks_app.models import Task
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.instances import retry_instance
from tests.support.builders import a_task
from tests.support.driving import deliver, let_time_pass, sweep_now
from tests.support.engine import an_instance, assert_history_is_sound
from tests.support.undoing import completion_order, drive, failing, undo_order, undoable

pytestmark = pytest.mark.django_db
KEPT = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


@pytest.fixture(autouse=True)
def _in_process(fleet):
    """Slots without a worker."""


@st.composite
def graphs(draw):
    """Return up to nine tasks, each needing some before it, some of them undoable."""
    tasks = []
    for number in range(draw(st.integers(1, 9))):
        needs = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        make = undoable if draw(st.booleans()) else a_task
        tasks.append(make(f"t{number}", needs=[f"t{each}" for each in sorted(needs)]))
    return tasks


def undoables(tasks):
    return {task["name"] for task in tasks if "compensate" in task}


@KEPT
@given(tasks=graphs(), data=st.data())
def test_a_failure_undoes_what_completed_in_reverse(doorbell, tasks, data):
    names = [task["name"] for task in tasks]
    bad = data.draw(st.sampled_from(names), label="fails")
    stuck = data.draw(st.one_of(st.none(), st.sampled_from(names)), label="cannot be undone at first")
    instance = an_instance(*tasks, on_failure="compensate")

    drive(instance, doorbell, failing(bad, f"undo {stuck}"))

    expected = [name for name in completion_order(instance)[::-1] if name in undoables(tasks)]
    if stuck in expected:
        place = expected.index(stuck)
        assert instance.status == "failed"
        assert undo_order(instance) == expected[:place]
        retry_instance(given=instance.public_id)
        drive(instance, doorbell, failing())
    assert instance.status == ("compensated" if expected else "failed")
    assert undo_order(instance) == expected
    compensated = Task.objects.filter(instance=instance, status="compensated").values_list("name", flat=True)
    assert set(compensated) == set(expected)
    assert_history_is_sound(instance)


@KEPT
@given(tasks=graphs(), delivered=st.integers(0, 9), drain=st.booleans())
def test_cancelling_anywhere_undoes_what_completed_in_reverse(doorbell, tasks, delivered, drain):
    instance = an_instance(*tasks)
    for _ in range(delivered):
        if not doorbell.messages:
            break
        deliver(doorbell.messages.pop(0), doorbell)
    instance.refresh_from_db()
    if instance.status == "completed":
        return
    expected = [name for name in completion_order(instance)[::-1] if name in undoables(tasks)]

    cancel_instance(given=instance.public_id, compensate=True, drain=drain)

    instance.refresh_from_db()
    if expected:
        drive(instance, doorbell, failing())
    assert instance.status == ("compensated" if expected else "cancelled")
    assert undo_order(instance) == expected
    assert_history_is_sound(instance)
    let_time_pass()
    assert sweep_now().published == 0
