"""A child that dies is started again; one that keeps dying takes the rest down."""

import os
import signal
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.standalone.program import CHILDREN, Standalone


@pytest.mark.parametrize("child", CHILDREN)
def test_a_killed_child_comes_back(standalone: Callable[..., Standalone], child: str) -> None:
    program = standalone()
    before = program.facts()

    os.kill(before["pids"][child], signal.SIGKILL)

    program.wait_for(lambda: program.pid_of(child) != before["pids"][child], seconds=30)
    after = program.facts()
    assert {**after["pids"], child: 0} == {**before["pids"], child: 0}
    assert after["url"] == before["url"]
    with urllib.request.urlopen(f"{after['url']}/admin/login/", timeout=10) as answer:
        assert answer.status == 200


def test_a_child_that_keeps_dying_takes_the_rest_down(
    standalone: Callable[..., Standalone], tmp_path: Path
) -> None:
    broken = tmp_path / "broken server"
    broken.write_text("#!/bin/sh\necho 'no memory for this'\nexit 3\n")
    broken.chmod(0o755)

    program = standalone(wait=False, env={"CPDS_REDIS_SERVER": str(broken), "CPDS_REHEARSAL_URL": "http://x"})

    assert program.wait_for_exit() == 1
    assert "The broker died 5 times" in program.errors()
    assert "no memory for this" in program.errors()
    assert program.belongings() == []


def test_the_end_of_one_child_takes_all_down_when_it_is_killed_again_and_again(
    standalone: Callable[..., Standalone],
) -> None:
    program = standalone()
    for _ in range(5):
        pid = program.wait_for(lambda: program.living_pid_of("beat"), seconds=30)
        os.kill(pid, signal.SIGKILL)
        program.wait_for(lambda dead=pid: program.living_pid_of("beat") != dead, seconds=30)

    assert program.wait_for_exit() == 1
    assert "The beat died 5 times" in program.errors()
    assert program.belongings() == []


def test_a_broker_program_that_is_not_there(standalone: Callable[..., Standalone]) -> None:
    program = standalone(wait=False, env={"CPDS_REDIS_SERVER": "/no/such/server"})

    assert program.wait_for_exit() == 1
    (line,) = program.errors().splitlines()
    assert "CPDS_REDIS_SERVER" in line
