"""Where the kernel is not Linux, a command still runs, is told to stop, and takes its group with it."""

import threading
from pathlib import Path

import pytest

from tasks_app.outcomes import Interrupted
from tests.support.waiting import wait_until
from tests.unit.executors.builders import a_call, processes_marked
from workers_app.executors.cancellation import Cancellation
from workers_app.executors.processes import command, orphans
from workers_app.executors.shell_command import ShellCommand

AS_ELSEWHERE = """
import ctypes, runpy, sys
sys.platform = "darwin"
ctypes.CDLL = lambda *_, **__: object()
runpy.run_path({guardian!r}, run_name="__main__")
"""


@pytest.fixture
def shell_command(tmp_path_factory, monkeypatch):
    guardian = tmp_path_factory.mktemp("elsewhere") / "guardian.py"
    guardian.write_text(AS_ELSEWHERE.format(guardian=command._GUARDIAN), encoding="utf-8")
    monkeypatch.setattr(command, "_GUARDIAN", str(guardian))
    monkeypatch.setattr(orphans, "PROCESSES", Path("/no/such/directory"))
    return ShellCommand()


def test_a_command_runs(shell_command, tmp_path):
    outcome = shell_command.execute(a_call(tmp_path, argv=["sh", "-c", "echo out; exit 3"]))

    assert (outcome.kind, outcome.output["stdout"]) == ("exit_code", "out\n")


def test_what_it_leaves_in_its_group_ends_with_it(shell_command, tmp_path):
    marker = f"left-{tmp_path.name}"

    shell_command.execute(a_call(tmp_path, argv=["sh", "-c", f"sh -c 'sleep 600; true' {marker} &"]))

    wait_until(lambda: not processes_marked(marker), timeout=5, message="the group to end")


def test_it_stops_when_told(shell_command, tmp_path):
    cancellation = Cancellation()
    marker = f"told-{tmp_path.name}"
    argv = ["sh", "-c", "trap '' TERM; sleep 600; sleep 600", marker]

    def stop():
        wait_until(lambda: processes_marked(marker), timeout=10, message="the command")
        cancellation.request("enough")

    threading.Thread(target=stop).start()
    outcome = shell_command.execute(a_call(tmp_path, cancellation=cancellation, argv=argv))

    assert outcome == Interrupted(reason="enough")
    wait_until(lambda: not processes_marked(marker), timeout=5, message="the command to end")
