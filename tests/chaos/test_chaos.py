"""Bounded runs of chaos: one plan that is always the same, and one that the environment chooses."""

import json
import os
import subprocess
import sys

import pytest

from tests.chaos.plan import CLOUD, STANDALONE, possible_faults
from tests.support.plugin import POSTGRESQL
from tests.support.processes import ROOT

pytestmark = [pytest.mark.broker, pytest.mark.slow, pytest.mark.timeout(420)]
SEEDS = ["2026", *filter(None, [os.environ.get("CPDS_CHAOS_SEED")])]
BOUNDS = ("--seconds", "38", "--spacing", "2.5", "--workers", "2", "--recovery", "0")
RUN_SECONDS = 400


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_or_done_twice_whatever_dies(pytestconfig: pytest.Config, seed: str) -> None:
    mode = CLOUD if pytestconfig.getoption("db") == POSTGRESQL else STANDALONE

    ran = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--json", "--mode", mode, "--seed", seed, *BOUNDS],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )

    assert ran.stdout, ran.stderr
    (told,) = json.loads(ran.stdout)["runs"]
    assert told["wrong"] == []
    assert ran.returncode == 0
    assert {row["fault"] for row in told["faults"]} == {fault.value for fault in possible_faults(mode)}
    assert told["verify"]["sound"]
