"""As many workers as the work wants: never too few, never useless ones, and fewer only after a while."""

from fractions import Fraction
from itertools import pairwise
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from tasks_app.planning.engine.scaling import (
    Demand,
    Helper,
    ScalingController,
    Slots,
    beyond,
    scale,
    slots_wanted,
    workers_for,
)

COUNTS = st.integers(min_value=0, max_value=5_000)
SPANS = st.one_of(st.none(), st.floats(min_value=0, max_value=10_000))
TARGETS = st.floats(min_value=0.5, max_value=3_600)
SETS = st.sampled_from(["", "gpu", "gpu+node", "node"])
NESTED = st.sampled_from(
    [frozenset(), frozenset({"p"}), frozenset({"p", "w"}), frozenset({"p", "w", "i"}), frozenset({"q"})]
)
PLACES = st.fixed_dictionaries({name: st.integers(min_value=-3, max_value=50) for name in "pwiq"})


@st.composite
def demands(draw, limits=NESTED):
    return draw(
        st.lists(
            st.builds(
                Demand,
                requirement=SETS,
                ready=COUNTS,
                running=st.integers(min_value=0, max_value=100),
                seconds=SPANS,
                limits=limits,
            ),
            max_size=8,
        )
    )


def total(found):
    return sum((each.slots for each in found.values()), Fraction(0))


@given(
    slots=st.fractions(min_value=0, max_value=10_000),
    slots_each=st.integers(min_value=1, max_value=100),
    minimum=st.integers(min_value=0, max_value=20),
    more=st.integers(min_value=0, max_value=50),
)
def test_it_is_never_below_the_minimum_or_above_the_maximum(slots, slots_each, minimum, more):
    found = workers_for(slots, slots_each=slots_each, minimum=minimum, maximum=minimum + more)

    assert minimum <= found <= minimum + more
    assert found * slots_each >= slots or found == minimum + more
    assert (found - 1) * slots_each < slots or found == minimum


@given(target=TARGETS, places=PLACES, minimum=st.integers(min_value=0, max_value=20))
def test_nobody_in_need_is_the_minimum(target, places, minimum):
    nothing = slots_wanted([Demand(requirement="gpu")], places=places, target_seconds=target)

    assert workers_for(total(nothing), slots_each=4, minimum=minimum, maximum=50) == minimum


@given(
    ready=COUNTS,
    running=st.integers(min_value=0, max_value=100),
    seconds=st.floats(0.01, 1_000),
    target=TARGETS,
)
def test_what_is_ready_is_done_within_the_target_time(ready, running, seconds, target):
    found = slots_wanted(
        [Demand(requirement="", ready=ready, running=running, seconds=seconds)],
        places={},
        target_seconds=target,
    )

    slots = ceil(found[""].slots)
    assert slots >= running
    if ready + running:
        rounds = ceil(Fraction(ready + running, slots))
        assert rounds == 1 or rounds * seconds <= target * (1 + 1e-9)


@given(each=demands(), target=TARGETS)
def test_nothing_unlimited_waits_for_a_slot_longer_than_it_takes_and_the_target(each, target):
    each = [Demand(**{**vars(one), "requirement": "", "limits": frozenset()}) for one in each]

    found = slots_wanted(each, places={}, target_seconds=target)

    known = [one for one in each if one.seconds is not None]
    work = sum((one.ready + one.running) * one.seconds for one in known)
    longest = max((one.seconds for one in known), default=0)
    # Dealt out anyhow, the last begins when the mean load is done, and takes no longer than the longest.
    assert work <= float(ceil(total(found))) * max(target, longest) * (1 + 1e-9)


@given(each=demands(), places=PLACES, target=TARGETS, more=demands())
def test_more_demand_never_wants_less(each, places, target, more):
    before = slots_wanted(each, places=places, target_seconds=target)
    after = slots_wanted([*each, *more], places=places, target_seconds=target)

    # What runs has its place already, so only what is beside it is compared.
    idle = [Demand(**{**vars(one), "running": 0}) for one in more]
    assert total(slots_wanted([*each, *idle], places=places, target_seconds=target)) >= total(before)
    assert total(after) >= total(before)


@given(one=demands().filter(bool), places=PLACES, target=TARGETS, more=COUNTS)
def test_a_longer_queue_never_wants_less(one, places, target, more):
    first, *others = one
    longer = Demand(**{**vars(first), "ready": first.ready + more})

    before = slots_wanted(one, places=places, target_seconds=target)
    after = slots_wanted([longer, *others], places=places, target_seconds=target)

    assert total(after) >= total(before)


@given(each=demands(limits=st.frozensets(st.sampled_from("pwiq"), max_size=4)), places=PLACES, target=TARGETS)
def test_what_a_limit_holds_back_wants_nothing(each, places, target):
    found = slots_wanted(each, places=places, target_seconds=target)

    running = sum(one.running for one in each)
    if all(one.limits for one in each):
        assert total(found) - running <= sum(max(0, number) for number in places.values())
    for name, number in places.items():
        if all(name in one.limits for one in each):
            assert total(found) - running <= max(0, number)
    for name, slots in found.items():
        assert slots.slots <= sum(one.running + one.ready for one in each if one.requirement == name)


def test_a_project_s_limit_is_shared_by_its_requirement_sets():
    each = [Demand(requirement=name, ready=100, seconds=60, limits=frozenset({"p"})) for name in ("", "gpu")]

    found = slots_wanted(each, places={"p": 5}, target_seconds=60)

    assert (found[""].slots, found["gpu"].slots) == (5, 0)
    assert found[""].is_limited
    assert found["gpu"].is_limited


def test_short_tasks_share_slots_though_they_come_from_many_projects():
    each = [Demand(requirement="", ready=1, seconds=1, limits=frozenset({str(key)})) for key in range(600)]

    assert slots_wanted(each, places={}, target_seconds=60)[""].slots == 10


@given(
    wanted=st.dictionaries(SETS, st.fractions(min_value=0, max_value=100), max_size=4),
    helpers=st.lists(
        st.builds(Helper, slots=st.integers(0, 50), meets=st.frozensets(SETS, max_size=4)), max_size=5
    ),
)
def test_what_is_there_anyway_is_taken_off_where_it_helps(wanted, helpers):
    found = {name: Slots(ready=0, running=0, slots=slots, is_limited=False) for name, slots in wanted.items()}

    missing = beyond(found, helpers)

    assert 0 <= missing <= total(found)
    assert missing >= total(found) - sum(each.slots for each in helpers)
    assert missing >= sum(
        slots for name, slots in wanted.items() if not any(name in h.meets for h in helpers)
    )


@given(
    wants=st.lists(st.integers(min_value=0, max_value=20), min_size=1, max_size=40), quiet=st.integers(0, 10)
)
def test_there_are_more_at_once_and_fewer_only_after_a_quiet_time(wants, quiet):
    seen = [ScalingController(workers=1)]
    for at, wanted in enumerate(wants):
        seen.append(scale(seen[-1], wanted=wanted, at=float(at), quiet_seconds=float(quiet)))

    for at, (before, after) in enumerate(pairwise(seen)):
        assert after.workers >= wants[at]
        if after.workers < before.workers:
            recent = wants[max(0, at - quiet) : at + 1]
            assert after.workers == max(recent)


def test_one_more_in_need_begins_the_quiet_time_anew():
    now = ScalingController(workers=3)
    for at, wanted in [(0, 1), (5, 1), (9, 3), (10, 1), (19, 1)]:
        now = scale(now, wanted=wanted, at=at, quiet_seconds=10)
        assert now.workers == 3

    assert scale(now, wanted=1, at=20, quiet_seconds=10).workers == 1
