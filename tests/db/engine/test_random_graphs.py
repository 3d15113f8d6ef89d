"""Whatever the graph and whatever happens to its attempts: it ends as its policy says, in order."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.db.engine.graph_oracle import course_end, downstream, faults, instance_end, open_failures
from tests.db.engine.random_graphs import World, plans
from tests.support.engine import assert_history_is_sound
from tests.support.undoing import completion_order, undo_order

pytestmark = pytest.mark.django_db
KEPT = settings(
    max_examples=16 if connection.vendor == "sqlite" else 8,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)
MOST = st.sampled_from([None, None, 1, 3])


@pytest.fixture(autouse=True)
def _in_process(fleet):
    """Slots without a worker."""


def judge(world):
    ends = world.ends()
    undoable = {name for name, plan in world.plans.items() if plan.undoable}
    lists = {name for name, plan in world.plans.items() if plan.items is not None}
    completed = [
        name
        for name in completion_order(world.instance)[::-1]
        if name.partition("[")[0] in undoable and name not in lists
    ]
    is_undone = world.policy == "compensate" and bool(open_failures(world.plans, ends))

    assert faults(world.plans, world.policy, ends, world.broken_lists()) == []
    assert undo_order(world.instance) == (completed if is_undone else [])
    assert world.instance.status == instance_end(
        world.plans, world.policy, ends, len(undo_order(world.instance))
    )
    judge_attempts(world, ends)
    assert_history_is_sound(world.instance)


def judge_attempts(world, ends):
    for name, course in world.courses.items():
        if "[" not in name and ends[name] in ("completed", "failed", "compensated"):
            assert (course.end, course.attempts) == course_end(course.plan, course.plan.acts)
    if world.policy != "continue":
        spared = downstream(world.plans, open_failures(world.plans, ends) | world.broken_lists())
        late = set(world.starts_after_the_first_open_failure())
        assert late <= (spared if world.policy == "stop" else set())


@pytest.mark.parametrize("policy", ["continue", "stop", "compensate"])
@KEPT
@given(drawn=plans(), most=MOST, chance=st.randoms(use_true_random=False))
def test_it_ends_as_the_policy_says(policy, doorbell, drawn, most, chance):
    world = World(plans=drawn, policy=policy, most=most, doorbell=doorbell, chance=chance)

    try:
        world.run()
        judge(world)
    except AssertionError as error:
        error.add_note(f"{policy}, max_parallel {most}: {list(drawn.values())}; {world.ends()}")
        raise
