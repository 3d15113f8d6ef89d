"""What a seed decides."""

import pytest

from tests.chaos.__main__ import parser
from tests.chaos.plan import CLOUD, MODES, OF_THE_SERVER, STANDALONE, plan_faults, possible_faults

pytestmark = pytest.mark.any_database


@pytest.mark.parametrize("mode", MODES)
def test_a_seed_makes_the_same_plan_again(mode):
    asked = {"seconds": 60, "mode": mode, "spacing": 3}

    assert plan_faults(seed=7, **asked) == plan_faults(seed=7, **asked)
    assert plan_faults(seed=7, **asked) != plan_faults(seed=8, **asked)


@pytest.mark.parametrize("mode", MODES)
def test_every_kind_of_fault_comes_once_before_any_comes_again(mode):
    possible = possible_faults(mode)

    planned = [each.fault for each in plan_faults(seed=1, seconds=200, mode=mode, spacing=3)]

    assert sorted(planned[: len(possible)]) == sorted(possible)
    assert len(planned) > len(possible)


def test_a_server_is_not_restarted_where_there_is_none():
    assert not OF_THE_SERVER & set(possible_faults(STANDALONE))
    assert set(possible_faults(CLOUD)) >= OF_THE_SERVER


def test_without_options_the_deaths_are_measured_too():
    assert parser().parse_args([]).recovery == 20
    assert parser().parse_args(["--recovery", "0"]).recovery == 0
