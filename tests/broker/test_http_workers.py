"""Real workers over HTTP against a real web server: SDK, JavaScript, shell."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from django.db.models import F

from cpds.base import clock
from tasks_app.models import Event, ExecutionRecord, Task
from tasks_app.services.control.tasks import cancel_task
from tasks_app.services.maintenance.sweep import sweep
from tasks_app.services.submit.loose import create_task
from tasks_app.states import RecordState, TaskState
from tests.support.http_workers import SdkProcess, WebProcess
from tests.support.processes import ROOT
from tests.support.program import Program
from tests.support.waiting import wait_until
from tests.unit.rehearsal.stage import staged
from workers_app.models import Worker

pytestmark = pytest.mark.broker
QUICK = {"CPDS_LEASE_SECONDS": 3, "CPDS_HEARTBEAT_SECONDS": 1, "CPDS_TRUST_LOCAL": 1}
END = 40.0


@pytest.fixture
def web(
    broker: object,
    database_url: str,
    ended_after_test: Callable[[Program], Program],
    tmp_path: Path,
    settings: object,
) -> WebProcess:
    settings.CPDS = {**settings.CPDS, "lease_seconds": 3, "heartbeat_seconds": 1}  # type: ignore[attr-defined]
    server = WebProcess(directory=tmp_path, env=QUICK)
    ended_after_test(server)
    server.start()
    return server


@pytest.fixture
def start(
    web: WebProcess, ended_after_test: Callable[[Program], Program], tmp_path: Path
) -> Callable[..., SdkProcess]:
    def started(name: str, command: str, *options: str) -> SdkProcess:
        worker = SdkProcess(directory=tmp_path, url=web.url, name=name, options=["--exec", command, *options])
        ended_after_test(worker)
        worker.start()
        return worker

    return started


def a_task(task_id: str, description: str = "", **more: object) -> Task:
    create_task(task={"task_id": task_id, "executor": "external", "description": description, **more})
    return Task.objects.get(task_id=task_id)


def wait_for(row: Task, *states: str) -> Task:
    def arrived() -> bool:
        row.refresh_from_db()
        return row.status in states

    wait_until(arrived, timeout=END, message=lambda: f"{row.task_id} to be {states}; it is {row.status}")
    return row


def started_by(worker: SdkProcess) -> list[psutil.Process]:
    """Return what a worker has started, by the host's pids: a command sees only those of its namespace."""
    found = worker.descendants()
    assert found
    return found


def are_gone(processes: list[psutil.Process]) -> bool:
    return not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in processes)


def pid_in(path: Path) -> int:
    wait_until(lambda: path.exists() and path.read_text().strip(), timeout=END, message="the command to run")
    return int(path.read_text())


def sleeping(path: Path) -> str:
    """Return a command that writes down its pid and sleeps."""
    code = f"import os, time; open({str(path)!r}, 'w').write(str(os.getpid())); time.sleep(300)"
    return f'{sys.executable} -c "{code}"'


@pytest.mark.any_database
def test_a_command_performs_tasks_as_they_come(start: Callable[..., SdkProcess]) -> None:
    worker = start(
        "cat", "cat {prompt_file}", "--capability", "git", "--concurrency", "2", "--output", "text"
    )
    rows = [a_task(f"t{number}", f"words {number}", title="Say", requires=["git"]) for number in range(6)]

    for number, row in enumerate(rows):
        wait_for(row, TaskState.COMPLETED)
        assert row.output == f"Say\n\nwords {number}"
    worker.stop()
    assert worker.exit_code == 0
    assert Worker.objects.get(name="cat").left_at is not None
    assert Worker.objects.get(name="cat").tasks_completed == 6


@pytest.mark.any_database
def test_json_on_the_output_is_the_output_and_a_failure_says_why(start: Callable[..., SdkProcess]) -> None:
    code = (
        "import json, sys; given = json.load(open(sys.argv[1]))['arguments']; "
        "given.get('fail') and sys.exit('no luck'); print(json.dumps(given))"
    )
    start("json", f'{sys.executable} -c "{code}" {{task_file}}')
    good = a_task("good", **{"with": {"n": 3}})
    bad = a_task("bad", **{"with": {"fail": True}})

    assert wait_for(good, TaskState.COMPLETED).output == {"n": 3}
    assert wait_for(bad, TaskState.FAILED).error_kind == "exit_code"
    assert "no luck" in bad.error_message
    assert Event.objects.filter(task=bad, kind="task.log", message="no luck").exists()


@pytest.mark.any_database
def test_claude_performs_a_task_and_its_record_is_that_of_every_worker(
    web: WebProcess, ended_after_test: Callable[[Program], Program], tmp_path: Path
) -> None:
    with staged({"text": "Half of it.", "breaks": "cut", "after_pieces": 1, "when": {"call": 1}}) as stage:
        env = {"ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": stage.url}
        worker = SdkProcess(directory=tmp_path, url=web.url, name="claude", options=["--claude"], env=env)
        ended_after_test(worker)
        worker.start()
        question = {"prompt": "Say hello", "role": "writer", "max_tokens": 100}
        row = a_task("asked", **{"with": question, "retry": {"count": 1, "interval": "10ms"}})

        def done() -> bool:
            sweep()
            row.refresh_from_db()
            return row.status == TaskState.COMPLETED

        wait_until(done, timeout=END, message="the second attempt to be done")

    broken, whole = ExecutionRecord.objects.filter(task=row).order_by("number")
    assert (broken.status, broken.error_kind) == (RecordState.FAILED, "connection")
    assert whole.answer == row.output
    assert whole.prompt.endswith("[user]\nSay hello")
    assert whole.simulated
    assert whole.cost_usd_micros > 0
    assert whole.metadata["role"] == "writer"
    logged = Event.objects.filter(task=row, kind="task.log").values_list("message", flat=True)
    assert "Asking claude-opus-5-5 as writer" in logged


def test_cancelling_ends_the_work(start: Callable[..., SdkProcess], tmp_path: Path) -> None:
    worker = start("sleeper", sleeping(tmp_path / "pid"))
    row = a_task("long")
    pid_in(tmp_path / "pid")
    started = started_by(worker)

    cancel_task(task=row)

    wait_until(lambda: are_gone(started), timeout=END, message="the command to end")
    assert wait_for(row, TaskState.CANCELLED).output is None


def test_a_killed_worker_loses_its_task_and_its_command_ends(
    start: Callable[..., SdkProcess], tmp_path: Path
) -> None:
    worker = start("killed", sleeping(tmp_path / "pid"))
    row = a_task("lost")
    pid_in(tmp_path / "pid")
    started = started_by(worker)

    os.kill(worker.pid, signal.SIGKILL)

    def rescued() -> bool:
        sweep()
        row.refresh_from_db()
        return row.status == TaskState.PENDING

    wait_until(rescued, timeout=END, message="the task to be ready again")
    wait_until(lambda: are_gone(started), timeout=END, message="the command to end with its worker")
    assert ExecutionRecord.objects.get(task=row).status == RecordState.LOST


def test_one_that_was_frozen_past_its_lease_changes_nothing(
    start: Callable[..., SdkProcess], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    code = (
        f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
        f"while not os.path.exists({str(gate)!r}): time.sleep(0.05)\n"
        "print('late')"
    )
    script = tmp_path / "late.py"
    script.write_text(code)
    worker = start("frozen", f"{sys.executable} {script}", "--max-tasks", "1")
    row = a_task("frozen")
    pid_in(tmp_path / "pid")
    os.kill(worker.pid, signal.SIGSTOP)

    def rescued() -> bool:
        sweep()
        row.refresh_from_db()
        return row.status == TaskState.PENDING

    wait_until(rescued, timeout=END, message="the task to be taken back")
    gate.touch()
    other = start("other", "printf second", "--max-tasks", "1")
    wait_for(row, TaskState.COMPLETED)
    os.kill(worker.pid, signal.SIGCONT)
    wait_until(lambda: not worker.is_running, timeout=END, message="the thawed worker to leave")

    row.refresh_from_db()
    assert row.output == "second"
    statuses = ExecutionRecord.objects.filter(task=row).order_by("number").values_list("status", flat=True)
    assert list(statuses) == [RecordState.LOST, RecordState.COMPLETED]
    wait_until(lambda: not other.is_running, timeout=END, message="the other to leave")


@pytest.mark.any_database
def test_sigterm_lets_the_task_finish(start: Callable[..., SdkProcess], tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    script = tmp_path / "slow.py"
    script.write_text(
        f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
        f"while not os.path.exists({str(gate)!r}): time.sleep(0.05)\n"
        "print('done')"
    )
    worker = start("graceful", f"{sys.executable} {script}")
    row = a_task("slow")
    pid_in(tmp_path / "pid")

    os.kill(worker.pid, signal.SIGTERM)
    wait_until(
        lambda: Worker.objects.get(name="graceful").draining_at is not None, timeout=END, message="draining"
    )
    gate.touch()

    assert wait_for(row, TaskState.COMPLETED).output == "done"
    wait_until(lambda: not worker.is_running, timeout=END, message="the worker to leave")
    assert worker.exit_code == 0


@pytest.mark.any_database
def test_a_second_signal_hands_the_task_back(start: Callable[..., SdkProcess], tmp_path: Path) -> None:
    worker = start("hurried", sleeping(tmp_path / "pid"))
    row = a_task("unfinished")
    pid_in(tmp_path / "pid")

    os.kill(worker.pid, signal.SIGTERM)
    wait_until(
        lambda: Worker.objects.get(name="hurried").draining_at is not None, timeout=END, message="draining"
    )
    os.kill(worker.pid, signal.SIGTERM)

    wait_for(row, TaskState.PENDING)
    wait_until(lambda: not worker.is_running, timeout=END, message="the worker to leave")
    assert ExecutionRecord.objects.get(task=row).status == RecordState.INTERRUPTED


def run_example(web: WebProcess, *command: str, **env: str) -> "subprocess.CompletedProcess[str]":
    own = {**os.environ, "CPDS_SERVER": web.url, "HEARTBEAT_SECONDS": "1", "MAX_TASKS": "2", **env}
    return subprocess.run(command, env=own, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)


@pytest.mark.any_database
@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node here")
def test_the_worker_in_javascript(web: WebProcess) -> None:
    shout = a_task("shout", **{"with": {"kind": "shout", "text": "hello"}})
    other = a_task("other", "look", **{"with": {"steps": 2}})

    told = run_example(web, "node", "docs/examples/worker.mjs")

    assert told.returncode == 0, told.stderr
    assert wait_for(shout, TaskState.COMPLETED).output == {"text": "HELLO"}
    assert wait_for(other, TaskState.COMPLETED).output == {"said": "look"}
    assert Event.objects.filter(task=other, kind="task.log").exists()


@pytest.mark.any_database
@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")
def test_the_worker_in_shell(web: WebProcess) -> None:
    rows = [a_task("one", "three words here"), a_task("two", "one")]

    told = run_example(web, "sh", "docs/examples/worker.sh")

    assert told.returncode == 0, told.stderr
    assert [wait_for(row, TaskState.COMPLETED).output for row in rows] == [{"words": 3}, {"words": 1}]
    assert json.dumps(rows[0].output)


@pytest.fixture
def example(web: WebProcess) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Start an example in the background; it is ended after the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*command: str, **env: str) -> "subprocess.Popen[str]":
        own = {**os.environ, "CPDS_SERVER": web.url, "HEARTBEAT_SECONDS": "0.3", **env}
        started.append(subprocess.Popen(command, env=own, cwd=ROOT, text=True, stdout=subprocess.DEVNULL))
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.wait()


def stop_while_it_runs(worker: "subprocess.Popen[str]", row: Task) -> None:
    """Have a worker stop with a task in hand, and see that its heartbeats go on."""
    wait_for(row, TaskState.RUNNING)
    worker.send_signal(signal.SIGTERM)
    before = row.lease_expires_at
    assert before is not None

    def is_kept() -> bool:
        row.refresh_from_db()
        return row.lease_expires_at is not None and row.lease_expires_at > before + timedelta(seconds=1)

    wait_until(is_kept, timeout=END, message="the lease to be renewed")
    assert row.status == TaskState.RUNNING


@pytest.mark.any_database
@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node here")
def test_the_worker_in_javascript_keeps_what_it_holds_when_told_to_stop(
    example: Callable[..., "subprocess.Popen[str]"],
) -> None:
    row = a_task("slow", "look", **{"with": {"seconds": 4}})
    worker = example("node", "docs/examples/worker.mjs")

    stop_while_it_runs(worker, row)

    assert wait_for(row, TaskState.COMPLETED, TaskState.FAILED).output == {"said": "look"}
    assert worker.wait(END) == 0
    assert row.attempts == 1


@pytest.mark.any_database
@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")
def test_the_worker_in_shell_ends_what_it_holds_when_told_to_stop(
    example: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    slow = tmp_path / "bin" / "wc"
    slow.parent.mkdir()
    slow.write_text(f'#!/bin/sh\nsleep 4\nexec {shutil.which("wc")} "$@"\n')
    slow.chmod(0o755)
    row = a_task("slow", "three words here")
    worker = example("sh", "docs/examples/worker.sh", PATH=f"{slow.parent}:{os.environ['PATH']}")

    stop_while_it_runs(worker, row)

    assert wait_for(row, TaskState.COMPLETED, TaskState.FAILED, TaskState.PENDING).output == {"words": 3}
    assert worker.wait(END) == 0
    assert row.attempts == 1


@pytest.mark.any_database
@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")
def test_the_worker_in_shell_is_there_while_it_is_idle(web: WebProcess) -> None:
    env = {**os.environ, "CPDS_SERVER": web.url, "HEARTBEAT_SECONDS": "1", "MAX_TASKS": "1"}
    shell = subprocess.Popen(["sh", "docs/examples/worker.sh"], env=env, cwd=ROOT)
    try:
        wait_until(Worker.objects.exists, timeout=END, message="the worker to register")
        deadline = Worker.objects.get().silent_at
        wait_until(lambda: clock.now() > deadline, timeout=END, message="three heartbeats to pass")
        assert Worker.objects.get(silent_at__gt=clock.database_now()).left_at is None
        row = a_task("late", "two words")

        def swept() -> bool:
            sweep()
            row.refresh_from_db()
            return row.status == TaskState.COMPLETED

        wait_until(swept, timeout=END, message="the task to be done")
        assert ExecutionRecord.objects.get(task=row).status == RecordState.COMPLETED
        assert shell.wait(timeout=END) == 0
    finally:
        shell.kill()
        shell.wait()


@pytest.mark.any_database
@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")
def test_the_worker_in_shell_falls_silent_when_it_is_killed(web: WebProcess) -> None:
    env = {**os.environ, "CPDS_SERVER": web.url, "HEARTBEAT_SECONDS": "1"}
    shell = subprocess.Popen(["sh", "docs/examples/worker.sh"], env=env, cwd=ROOT)
    beating = Worker.objects.filter(heartbeat_at__gt=F("started_at") + timedelta(seconds=1))
    wait_until(beating.exists, timeout=END, message="the worker to heartbeat")

    shell.kill()
    shell.wait()

    silent = Worker.objects.filter(silent_at__lt=clock.database_now())
    wait_until(silent.exists, timeout=END, message="the worker to be offline")


def test_a_wait_ends_when_there_is_something(web: WebProcess) -> None:
    """A long poll is answered by a task that was created while it waited."""
    import threading

    from workers_app.sdk.server import Server

    server = Server(web.url)
    worker = server.register({"name": "patient"})["id"]
    answers: list[dict[str, object]] = []
    asking = threading.Thread(
        target=lambda: answers.append(server.claim(worker, limit=1, wait_seconds=30, kinds=None))
    )
    asking.start()
    row = a_task("awaited")
    asking.join(END)

    [claim] = answers[0]["claims"]  # type: ignore[misc]
    assert claim["task"]["id"] == row.pk
    server.complete(worker, claim["token"], output=1, report={})
    assert wait_for(row, TaskState.COMPLETED).output == 1
    server.close()
