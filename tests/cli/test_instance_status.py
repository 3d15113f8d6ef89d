"""``instance status``, ``instance wait`` and ``instance logs``."""

import json
import re

import pytest

from tasks_app.cli.instances import wait
from tasks_app.models import Event, ExecutionRecord, Instance, Task
from tasks_app.states import InstanceState
from tests.cli.moves import STARTED, complete_task, end, fail_task, run_task, say
from tests.support.builders import a_chain, a_task

pytestmark = pytest.mark.django_db


class TestStatus:
    def test_it_shows_progress_and_tasks(self, run, submitted):
        instance = submitted(*(a_task(f"t{number}") for number in range(5)), name="etl")
        for name in ("t0", "t1", "t2"):
            complete_task(instance, name)
        run_task(instance, "t3")

        ran = run("instance", "status", instance)

        assert ran.lines[0] == f"Instance: {instance}"
        assert "Status:   Running" in ran.lines
        assert "Progress: 3/5 (60%)" in ran.lines
        tasks = ran.lines[ran.lines.index("Tasks:") + 1 :]
        assert tasks[0].split() == ["✅", "t0", "Success", "0.5s"]
        assert tasks[3].split()[:3] == ["🔄", "t3", "Running"]
        assert tasks[4].split() == ["⏳", "t4", "Queued", "-"]

    def test_a_task_that_waits_for_another_is_pending(self, run, submitted):
        instance = submitted(a_task("a"), a_task("b", needs=["a"]), a_task("c", needs=["a", "b"]))

        assert run("instance", "status", instance).lines[-1].split() == ["⏳", "c", "Pending", "-"]

    def test_errors_and_simulated_work_are_marked(self, run, submitted):
        instance = submitted(a_task("extract"))
        fail_task(instance, "extract", message="the disk\n\x1b[31mis full")
        task = Task.objects.get()
        ExecutionRecord.objects.create(task=task, number=1, dispatch_id="d", worker="w", simulated=True)

        last = run("instance", "status", instance).lines[-1]

        assert last == "  ❌  extract  Failed  1s  simulated, the disk �[31mis full"

    def test_programs_get_the_agreed_keys(self, run, submitted):
        instance = submitted(*a_chain(2), name="etl")

        status = run("instance", "status", instance[:9], "--json").json

        assert {
            "id", "workflow_id", "workflow_name", "workflow_version", "status", "params", "progress",
            "started_at", "finished_at", "error_message", "tasks",
        } <= set(status)  # fmt: skip
        assert set(status["progress"]) == {"total", "completed", "running", "failed", "pending"}
        assert {
            "name", "status", "executor", "needs", "attempts", "worker", "queued_at", "started_at",
            "finished_at", "duration_ms", "output", "error", "tokens", "cost_usd", "simulated",
        } <= set(status["tasks"][0])  # fmt: skip

    @pytest.mark.parametrize("flags", [(), ("--json",)])
    def test_an_unknown_id_is_exit_code_3(self, run, flags):
        ran = run("instance", "status", "inst-nothing", *flags)

        assert ran.code == 3
        assert bool(ran.out) == bool(flags)
        assert len(ran.err.splitlines()) == (0 if flags else 1)


class TestWait:
    @pytest.mark.parametrize(
        ("state", "code"),
        [(InstanceState.COMPLETED, 0), (InstanceState.FAILED, 1), (InstanceState.CANCELLED, 1)],
    )
    def test_the_exit_code_tells_how_it_ended(self, run, submitted, state, code):
        instance = submitted()
        end(instance, state)

        assert run("instance", "wait", instance).code == code

    def test_it_gives_up_in_time_and_says_that_the_instance_goes_on(self, run, submitted):
        instance = submitted()

        ran = run("instance", "wait", instance[:10], "--timeout", "0.01")

        assert (ran.code, ran.out, len(ran.err.splitlines())) == (4, "", 1)
        assert f"Instance {instance} is still running" in ran.err
        assert "It goes on" in ran.err

    def test_programs_learn_of_the_timeout(self, run, submitted):
        instance = submitted()

        error = run("instance", "wait", instance, "--timeout", "0", "--json").json["error"]

        assert (error["code"], error["instance"], error["retryable"]) == ("wait_timed_out", instance, True)

    def test_ctrl_c_stops_the_waiting_and_not_the_instance(self, run, submitted, monkeypatch):
        def interrupted(_seconds):
            raise KeyboardInterrupt

        instance = submitted()
        monkeypatch.setattr(wait, "rest", interrupted)

        ran = run("instance", "wait", instance)

        assert (ran.code, len(ran.err.splitlines())) == (130, 1)
        assert f"Instance {instance} goes on" in ran.err
        assert Instance.objects.get().status == InstanceState.RUNNING

    def test_a_terminal_shows_a_bar(self, run, submitted, monkeypatch):
        instance = submitted(*a_chain(4), name="etl")
        monkeypatch.setattr(wait, "rest", lambda _seconds: end(instance, InstanceState.COMPLETED))

        ran = run("instance", "wait", instance, screen=True)

        assert "0/4" in ran.err
        assert "━" in ran.err

    def test_an_instance_that_is_deleted_meanwhile_is_exit_code_3(self, run, submitted, monkeypatch):
        instance = submitted()
        monkeypatch.setattr(wait, "rest", lambda _seconds: Instance.objects.all().delete())

        assert run("instance", "wait", instance).code == 3


class TestLogs:
    def test_each_event_is_a_line(self, run, submitted):
        instance = submitted(a_task("extract"))
        say(instance, "read\n500 rows", task=Task.objects.get(), attempt=2)
        Event.objects.update(happened_at=STARTED)

        lines = run("instance", "logs", instance).lines

        assert lines[0] == "2026-01-08 10:00:00  instance.running"
        assert lines[-1] == "2026-01-08 10:00:00  task.log            extract: read 500 rows (attempt 2)"

    def test_programs_get_an_array(self, run, submitted):
        instance = submitted(a_task("extract"))
        say(instance, "hello")

        events = run("instance", "logs", instance[:10], "--json").json

        assert [event["kind"] for event in events] == ["instance.running", "task.queued", "task.log"]
        assert [event["id"] for event in events] == sorted(event["id"] for event in events)

    def test_followed_events_are_one_document_per_line(self, run, submitted):
        instance = submitted(a_task("extract"))
        end(instance, InstanceState.COMPLETED)

        ran = run("instance", "logs", instance, "--follow", "--json")

        assert ran.code == 0
        assert [json.loads(line)["kind"] for line in ran.lines][-1] == "instance.completed"

    def test_following_prints_what_comes_until_the_end(self, run, submitted, monkeypatch):
        instance = submitted()
        steps = iter(
            [lambda: say(instance, "first"), lambda: end(instance, InstanceState.FAILED, error="it broke")]
        )
        monkeypatch.setattr(wait, "rest", lambda _seconds: next(steps)())

        ran = run("instance", "logs", instance, "--follow")

        assert ran.code == 0
        assert re.search(r"task\.log +first\n.*instance\.failed +it broke\n\Z", ran.out)
