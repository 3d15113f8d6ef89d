"""Failure policies and control, on a real worker."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tasks_app.models import ExecutionRecord, Instance, Task
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.instances import pause_instance, resume_instance, retry_instance
from tasks_app.services.submit.instances import rerun_instance
from tests.support.builders import a_chain, a_task
from tests.support.effects import effects
from tests.support.engine import an_instance, state_of, task, wait_for_end
from tests.support.processes import QUICK, WorkerProcess
from tests.support.waiting import stays_true, wait_until

pytestmark = pytest.mark.broker
Start = Callable[..., WorkerProcess]


@pytest.fixture
def worker(shared_worker: Start) -> WorkerProcess:
    return shared_worker(env=QUICK)


def test_a_failed_attempt_is_tried_again_after_a_wait(worker: WorkerProcess, tmp_path: Path) -> None:
    log = str(tmp_path / "log")
    instance = an_instance(
        a_task(
            "shaky", run="fail_at_first", path=log, times=2, also={"retry": {"count": 3, "interval": 0.1}}
        ),
        a_task("after", needs=["shaky"]),
    )

    assert wait_for_end(instance).status == "completed"
    records = ExecutionRecord.objects.filter(task=task(instance, "shaky")).order_by("number")
    assert [record.status for record in records] == ["failed", "failed", "completed"]
    assert task(instance, "shaky").error_kind == ""


def test_retries_run_out(worker: WorkerProcess) -> None:
    instance = an_instance(a_task("bad", run="fail", also={"retry": {"count": 2, "interval": 0.1}}))

    assert wait_for_end(instance).status == "failed"
    assert task(instance, "bad").attempts == 3


def test_with_continue_what_does_not_depend_on_the_failure_is_finished(worker: WorkerProcess) -> None:
    instance = an_instance(
        a_task("bad", run="fail"), a_task("lost", needs=["bad"]), *a_chain(5), on_failure="continue"
    )

    assert wait_for_end(instance).status == "failed"
    assert task(instance, "lost").status == "skipped"
    assert task(instance, "link-4").status == "completed"


def test_an_allowed_failure_hinders_nobody(worker: WorkerProcess) -> None:
    instance = an_instance(
        a_task("bad", run="fail", also={"allow_failure": True}), a_task("after", needs=["bad"])
    )

    assert wait_for_end(instance).status == "completed"
    assert task(instance, "bad").status == "failed"
    assert task(instance, "after").status == "completed"


def test_a_false_condition_skips_and_satisfies(worker: WorkerProcess) -> None:
    instance = an_instance(
        a_task("first", run="echo", word="no"),
        a_task("maybe", needs=["first"], also={"when": "{{ tasks.first.output.word == 'yes' }}"}),
        a_task("surely", needs=["first"], also={"when": "{{ tasks.first.output.word == 'no' }}"}),
        a_task("end", needs=["maybe", "surely"]),
    )

    assert wait_for_end(instance).status == "completed"
    assert task(instance, "maybe").status == "skipped"
    assert task(instance, "surely").status == "completed"
    assert task(instance, "end").status == "completed"


@pytest.mark.parametrize(
    ("join", "expected"),
    [("any", "completed"), ("all_done", "completed"), ({"at_least": 2}, "completed"), ("all", "skipped")],
)
def test_a_join_asks_for_no_more_than_it_needs(worker: WorkerProcess, join: object, expected: str) -> None:
    instance = an_instance(
        a_task("good"), a_task("fine"), a_task("bad", run="fail"),
        a_task("join", needs=["good", "fine", "bad"], also={"join": join}),
        on_failure="continue",
    )  # fmt: skip

    assert wait_for_end(instance).status == "failed"
    assert task(instance, "join").status == expected


def test_a_paused_instance_starts_nothing_and_goes_on_when_resumed(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    gate, log = tmp_path / "gate", tmp_path / "log"
    instance = an_instance(
        a_task("held", run="hold", path=str(gate), started=str(log)), a_task("after", needs=["held"])
    )
    wait_until(lambda: effects(log))

    pause_instance(given=instance.public_id, by="ann", reason="lunch")
    gate.touch()
    wait_until(lambda: task(instance, "held").status == "completed")

    assert stays_true(lambda: task(instance, "after").status == "pending", seconds=1)
    resume_instance(given=instance.public_id, by="ann")
    assert wait_for_end(instance).status == "completed"


def test_cancelling_stops_running_commands(worker: WorkerProcess) -> None:
    instance = an_instance(
        a_task("long", run="shell_command", argv=["sleep", "600"]), a_task("after", needs=["long"])
    )
    wait_until(lambda: task(instance, "long").status == "running")
    wait_until(worker.descendants)

    cancel_instance(given=instance.public_id, by="ann", reason="wrong branch")

    instance.refresh_from_db()
    assert instance.status == "cancelled"
    wait_until(lambda: not worker.descendants(), timeout=5, message="the command to end")
    assert state_of(instance).keys() == {"cancelled"}


def test_a_failed_instance_goes_on_from_where_it_failed(worker: WorkerProcess, tmp_path: Path) -> None:
    log = str(tmp_path / "log")
    instance = an_instance(
        a_task("first", run="record_effect", path=str(tmp_path / "effects")),
        a_task("shaky", run="fail_at_first", path=log, times=1, needs=["first"]),
        a_task("after", needs=["shaky"]),
    )
    assert wait_for_end(instance).status == "failed"

    retry_instance(given=instance.public_id, by="ann")

    assert wait_for_end(instance).status == "completed"
    assert len(effects(tmp_path / "effects")) == 1


def test_a_rerun_shares_what_lies_before_its_task(worker: WorkerProcess, tmp_path: Path) -> None:
    log = tmp_path / "effects"
    instance = an_instance_with_param(log)
    assert wait_for_end(instance).status == "completed"

    again = Instance.objects.get(
        public_id=rerun_instance(given=instance.public_id, from_task="second", params={"word": "two"})
    )

    assert wait_for_end(again).status == "completed"
    assert again.origin == instance
    assert len(effects(log)) == 1
    assert task(again, "first").output == task(instance, "first").output
    assert task(again, "second").output == {"word": "two"}


def an_instance_with_param(log: Path) -> Instance:
    from tasks_app.services.submit.instances import submit_instance
    from tasks_app.services.workflows.definitions import upload_workflow
    from tests.support.builders import a_workflow

    source = a_workflow(
        a_task("first", run="record_effect", path=str(log)),
        a_task("second", run="echo", needs=["first"], word="{{ params.word }}"),
        name="compared",
    ).replace("tasks:", "params: {word: one}\ntasks:", 1)
    uploaded = upload_workflow(source=source.encode())
    return Instance.objects.get(public_id=submit_instance(workflow=uploaded.workflow_id))


def test_no_more_of_a_workflow_s_instances_run_than_may(worker: WorkerProcess, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    instances = [
        an_instance(a_task("held", run="hold", path=str(gate)), name="narrow", max_instances=2)
        for _ in range(4)
    ]
    wait_until(lambda: Task.objects.filter(status="running").count() == 2)

    assert Instance.objects.filter(status="pending").count() == 2
    gate.touch()
    assert {wait_for_end(instance).status for instance in instances} == {"completed"}


def test_no_more_of_an_instance_s_tasks_run_than_may(worker: WorkerProcess) -> None:
    instance = an_instance(*(a_task(f"t{n}", run="nap", seconds=0.1) for n in range(8)), max_parallel=2)
    most = 0

    def ended() -> bool:
        nonlocal most
        most = max(most, Task.objects.filter(instance=instance, status__in=["queued", "running"]).count())
        instance.refresh_from_db()
        return instance.status == "completed"

    wait_until(ended, timeout=30)
    assert most <= 2


def test_an_instance_that_takes_too_long_fails(worker: WorkerProcess) -> None:
    instance = an_instance(a_task("long", run="shell_command", argv=["sleep", "600"]), timeout="1s")

    assert wait_for_end(instance, timeout=20).status == "failed"
    assert "out of time" in instance.error_message
    wait_until(lambda: not worker.descendants(), timeout=5)
