"""kill -9 of the supervisor leaves nothing behind, and nothing behind hinders the next start."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.standalone.program import Standalone
from tests.support.spawning import alive, descendants

LONG = "name: long\ntasks:\n  - {name: only, run: shell_command, with: {argv: [sleep, '60']}}\n"


def test_no_process_survives_the_supervisor(standalone: Callable[..., Standalone]) -> None:
    program = standalone()
    pids = program.facts()["pids"]

    program.kill()

    program.wait_until_nothing_is_left()
    assert not any(psutil.pid_exists(pid) and alive(psutil.Process(pid)) for pid in pids.values())


def test_no_command_of_a_task_survives_it_either(
    standalone: Callable[..., Standalone], tmp_path: Path
) -> None:
    (tmp_path / "long.yaml").write_text(LONG, encoding="utf-8")
    program = standalone("--execute", "long.yaml")
    program.wait_for(
        lambda: "sleep" in {each.name() for each in descendants(program.pid_of("worker"))}, seconds=30
    )
    started = descendants(program.pid)

    program.kill()

    program.wait_for(lambda: not any(alive(each) for each in started))
    program.wait_until_nothing_is_left()


def test_it_starts_again_after_kill_9(standalone: Callable[..., Standalone]) -> None:
    program = standalone()
    program.kill()
    assert (program.state / "run.json").exists()

    again = standalone()  # at once: the dying children of the first one are waited for

    assert again.pid_of("supervisor") == again.pid
    again.stop()
    assert again.exit_code == 130
    assert again.belongings() == []


def test_none_survives_even_without_the_guardian(standalone: Callable[..., Standalone]) -> None:
    program = standalone()
    supervisor = psutil.Process(program.pid)
    guardian = next(each for each in supervisor.children() if "guardian.py" in " ".join(each.cmdline()))

    supervisor.suspend()
    guardian.kill()
    program.process.kill()

    program.wait_until_nothing_is_left()


def test_a_killed_guardian_is_replaced(standalone: Callable[..., Standalone]) -> None:
    program = standalone()

    def guardians() -> set[int]:
        children = [each for each in psutil.Process(program.pid).children() if alive(each)]
        return {each.pid for each in children if "guardian.py" in " ".join(each.cmdline())}

    (first,) = guardians()
    os.kill(first, signal.SIGKILL)

    program.wait_for(lambda: guardians() and guardians() != {first})
    program.kill()
    program.wait_until_nothing_is_left()
