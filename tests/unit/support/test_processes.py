import sys

import psutil
import pytest

from tests.support.processes import PythonProgram
from tests.support.program import ProgramFailedError
from tests.support.spawning import alive
from tests.support.waiting import stays_true, wait_until

COUNTS = """
import itertools, pathlib, subprocess, sys, threading
child = subprocess.Popen(["sleep", "600"])
for number in itertools.count():
    pathlib.Path(sys.argv[1]).write_text(str(number))
    threading.Event().wait(0.01)
"""


@pytest.fixture
def counting(tmp_path):
    file = tmp_path / "count"
    program = PythonProgram(name="counting", directory=tmp_path, arguments=["-c", COUNTS, str(file)])
    program.start()
    wait_until(lambda: file.exists() and file.read_text() and program.descendants())
    yield program, file
    program.end()


def test_the_descendants_are_known_and_end_with_the_program(counting):
    program, _ = counting
    (child,) = program.descendants()
    assert child.name() == "sleep"

    program.end()

    assert not alive(child)
    assert not psutil.pid_exists(program.pid)


def test_a_kill_leaves_what_the_program_started(counting):
    program, _ = counting
    (child,) = program.descendants()

    program.kill()

    assert program.exit_code == -9
    assert alive(child)
    child.kill()
    wait_until(lambda: not alive(child))


def test_a_frozen_program_stands_still_until_it_is_thawed(counting):
    program, file = counting

    program.freeze()
    wait_until(lambda: psutil.Process(program.pid).status() == psutil.STATUS_STOPPED)
    frozen = file.read_text()

    assert stays_true(lambda: file.read_text() == frozen, seconds=0.1)
    program.thaw()
    wait_until(lambda: file.read_text() != frozen)


def test_a_frozen_program_can_be_stopped(counting):
    program, _ = counting

    program.freeze()
    program.stop()

    assert program.exit_code == -15


def test_the_program_is_given_what_env_adds(tmp_path):
    program = PythonProgram(
        name="tells",
        directory=tmp_path,
        arguments=["-c", "import os; print(os.environ['LEASE'], 'DATABASE_URL' in os.environ)"],
        env={"LEASE": 3},
    )

    program.start(wait=False)
    wait_until(lambda: not program.is_running)

    assert program.log_tail() == "3 True\n"


def test_a_program_that_ends_too_soon_shows_its_log(tmp_path):
    class NeverReady(PythonProgram):
        def is_ready(self):
            return False

    program = NeverReady(
        name="broken", directory=tmp_path, arguments=["-c", "raise SystemExit('no database')"]
    )

    with pytest.raises(
        ProgramFailedError, match=r"broken ended while it was starting\. Its log: no database"
    ):
        program.start()


def test_programs_are_this_checkouts_python(tmp_path):
    assert PythonProgram(name="x", directory=tmp_path, arguments=["-V"]).command() == [sys.executable, "-V"]
