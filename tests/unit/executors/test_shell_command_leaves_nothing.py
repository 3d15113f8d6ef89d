"""Whatever ends a command, nothing it started is left."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from pathlib import Path

import pytest

from tasks_app.outcomes import Completed, Interrupted
from tests.support.waiting import wait_until
from tests.unit.executors.builders import a_call, processes_marked
from workers_app.executors.cancellation import Cancellation
from workers_app.executors.processes import end_all
from workers_app.executors.shell_command import ShellCommand

ROOT = Path(__file__).parents[3]

# A daemon as the book has it: forks twice, leads its own session, lets go of every stream.
DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        open(sys.argv[2] + "/daemon-is-up", "w").close()
        time.sleep(600)
    os._exit(0)
os.wait()
"""

FAMILY = """
trap '' TERM
"$PYTHON" -c "$DAEMON" "$MARKER" "$HOME"
setsid sh -c 'trap "" TERM HUP; while :; do sleep 1; done' "$MARKER" &
sh -c 'sleep 600; true' "$MARKER" &
touch "$HOME/family-is-up"
while :; do sleep 1; done
"""


@pytest.fixture(params=["contained", "bare"])
def mode(request):
    return request.param


@pytest.fixture
def shell_command(mode):
    return ShellCommand(contained=mode == "contained")


@pytest.fixture
def marker():
    return f"marker-{uuid.uuid4().hex}"


def a_family(marker, script=FAMILY):
    """A command that traps SIGTERM, with a daemon, a session of its own and a plain child."""
    environment = {"MARKER": marker, "DAEMON": DAEMON, "PYTHON": sys.executable}
    return {"argv": ["sh", "-c", script, marker], "env": environment}


def is_up(workspace):
    return (workspace / "family-is-up").exists() and (workspace / "daemon-is-up").exists()


def in_thread(shell_command, call):
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(shell_command.execute(call)))
    thread.start()
    return thread, outcomes


def test_at_the_timeout_the_whole_family_is_gone(shell_command, tmp_path, marker):
    started = time.monotonic()

    outcome = shell_command.execute(a_call(tmp_path, timeout=1.5, **a_family(marker)))

    assert (outcome.kind, outcome.retryable) == ("timeout", True)
    assert is_up(tmp_path)
    assert time.monotonic() - started < 5
    assert processes_marked(marker) == []


def test_the_bound_of_the_attempt_wins_when_it_is_shorter(shell_command, tmp_path):
    outcome = shell_command.execute(a_call(tmp_path, timeout_seconds=0.3, argv="sleep 60", timeout="1h"))

    assert outcome.detail == {"timeout_seconds": 0.3}


def test_at_cancel_the_whole_family_is_gone_within_a_second(shell_command, tmp_path, marker):
    cancellation = Cancellation()
    thread, outcomes = in_thread(
        shell_command, a_call(tmp_path, cancellation=cancellation, **a_family(marker))
    )
    wait_until(lambda: is_up(tmp_path))

    asked = time.monotonic()
    cancellation.request("cancelled by Ada")
    thread.join(5)

    assert time.monotonic() - asked < 5
    assert outcomes == [Interrupted(reason="cancelled by Ada")]
    assert processes_marked(marker) == []


def test_an_attempt_cancelled_before_it_starts_starts_nothing(shell_command, tmp_path):
    cancellation = Cancellation()
    cancellation.request("paused")

    outcome = shell_command.execute(a_call(tmp_path, cancellation=cancellation, argv="touch started"))

    assert outcome == Interrupted(reason="paused")
    assert not (tmp_path / "started").exists()


def test_cancelling_after_the_end_changes_nothing(shell_command, tmp_path):
    cancellation = Cancellation()
    outcome = shell_command.execute(a_call(tmp_path, cancellation=cancellation, argv="true"))

    cancellation.request("too late")

    assert isinstance(outcome, Completed)


def test_when_the_main_process_exits_the_rest_is_gone(shell_command, tmp_path, marker):
    script = FAMILY.replace("while :; do sleep 1; done\n", "echo done; exit 0\n").replace(
        'sh -c \'trap "" TERM HUP; echo done; exit 0', "sh -c 'sleep 600'"
    )

    outcome = shell_command.execute(a_call(tmp_path, **a_family(marker, script)))

    assert outcome.output["stdout"] == "done\n"
    assert is_up(tmp_path)
    assert processes_marked(marker) == []


def test_a_child_that_holds_the_outputs_open_does_not_hold_the_task(shell_command, tmp_path):
    started = time.monotonic()

    outcome = shell_command.execute(a_call(tmp_path, argv=["sh", "-c", "setsid sleep 600 & echo out"]))

    assert outcome.output["stdout"] == "out\n"
    assert time.monotonic() - started < 5


def test_end_all_ends_every_command_of_the_process(shell_command, tmp_path, marker):
    runs = []
    for name in ("one", "two"):
        workspace = tmp_path / name
        workspace.mkdir()
        runs.append((workspace, *in_thread(shell_command, a_call(workspace, **a_family(marker)))))
    wait_until(lambda: all(is_up(workspace) for workspace, *_ in runs))

    assert end_all("shutdown") is True

    for _, thread, outcomes in runs:
        thread.join(5)
        assert outcomes == [Interrupted(reason="shutdown")]
    assert processes_marked(marker) == []


def test_end_all_with_nothing_running_is_harmless():
    assert end_all() is True


def test_an_exception_in_the_worker_leaves_nothing(shell_command, tmp_path, marker):
    class SoftTimeLimitError(Exception):
        pass

    def interrupt(_number, _frame):
        raise SoftTimeLimitError

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.7)
        with pytest.raises(SoftTimeLimitError):
            shell_command.execute(a_call(tmp_path, **a_family(marker)))
    finally:
        signal.signal(signal.SIGALRM, before)

    assert processes_marked(marker) == []


def test_a_finished_thread_takes_no_other_commands_with_it(shell_command, tmp_path):
    thread, outcomes = in_thread(shell_command, a_call(tmp_path, argv=["sh", "-c", "sleep 0.5; echo whole"]))

    in_thread(shell_command, a_call(tmp_path, argv="true"))[0].join(5)
    thread.join(5)

    assert outcomes[0].output["stdout"] == "whole\n"


def test_kill_9_of_the_worker_leaves_nothing(mode, tmp_path, marker):
    with a_worker(mode, tmp_path, marker) as worker:
        wait_until(lambda: is_up(tmp_path))
        assert len(processes_marked(marker)) > 3

        worker.kill()

    wait_until(lambda: processes_marked(marker) == [], timeout=5)


def test_kill_9_of_the_worker_leaves_nothing_even_while_a_fork_of_it_lives(mode, tmp_path, marker):
    with a_worker(mode, tmp_path, marker, forks=True) as worker:
        wait_until(lambda: is_up(tmp_path) and (tmp_path / "forked").exists())
        fork = int((tmp_path / "forked").read_text())

        worker.kill()

        try:
            wait_until(lambda: processes_marked(marker) == [], timeout=5)
        finally:
            os.kill(fork, signal.SIGKILL)


def test_kill_9_of_the_guardian_leaves_nothing(shell_command, tmp_path, marker):
    thread, outcomes = in_thread(shell_command, a_call(tmp_path, **a_family(marker)))
    wait_until(lambda: is_up(tmp_path))

    os.kill(guardian_of(marker), signal.SIGKILL)
    thread.join(10)

    assert (outcomes[0].kind, outcomes[0].retryable) == ("guardian_lost", True)
    wait_until(lambda: processes_marked(marker) == [], timeout=5)


def guardian_of(marker):
    """The guardian started by this process, not the init below it."""
    for pid in processes_marked(marker):
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        if b"guardian.py" in Path(f"/proc/{pid}/cmdline").read_bytes() and parent == os.getpid():
            return pid
    raise AssertionError("no guardian")


@contextlib.contextmanager
def a_worker(mode, workspace, marker, *, forks=False):
    """A process of its own that runs the family, as a worker would."""
    program = textwrap.dedent(
        """
        import os, sys, threading, time
        from pathlib import Path
        sys.path[:0] = [sys.argv[1]]
        from tests.unit.executors.builders import a_call
        from tests.unit.executors.test_shell_command_leaves_nothing import a_family, is_up
        from workers_app.executors.shell_command import ShellCommand

        workspace, marker = Path(sys.argv[2]), os.environ["MARKER_OF_TEST"]
        call = a_call(workspace, timeout_seconds=60, **a_family(marker))
        command = ShellCommand(contained=sys.argv[3] == "contained")
        threading.Thread(target=command.execute, args=(call,)).start()
        if sys.argv[4] == "forks":
            while not is_up(workspace):
                time.sleep(0.01)
            pid = os.fork()
            if pid == 0:
                time.sleep(60)
                os._exit(0)
            (workspace / "forked.new").write_text(str(pid))
            (workspace / "forked.new").rename(workspace / "forked")
        """
    )
    worker = subprocess.Popen(
        [
            *(sys.executable, "-c", program, str(ROOT), str(workspace)),
            *(mode, "forks" if forks else "alone"),
        ],
        env={**os.environ, "MARKER_OF_TEST": marker},
    )
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()
