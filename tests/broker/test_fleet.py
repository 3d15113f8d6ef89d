"""Real workers: each gets what it can do, leaves when it is told to, and changes nothing when it is late."""

import os
import signal
from collections.abc import Callable

import pytest

from tasks_app.models import ExecutionRecord, Task
from tests.support.builders import a_task
from tests.support.engine import an_instance, assert_history_is_sound, task, wait_for_end
from tests.support.freezing import freeze_between_transactions
from tests.support.processes import QUICK, WorkerProcess
from tests.support.waiting import wait_until
from workers_app.fleet.describe import WorkerStatus, describe_fleet
from workers_app.fleet.operators import drain_worker, stop_worker, undrain_worker
from workers_app.models import Worker

pytestmark = pytest.mark.broker
Start = Callable[..., WorkerProcess]


@pytest.fixture
def start(celery_worker_process: Start) -> Start:
    def started(name: str, *capabilities: str, **options: object) -> WorkerProcess:
        env = {**QUICK, "CPDS_CAPABILITIES": ",".join(capabilities), **options.pop("env", {})}  # type: ignore[dict-item]
        return celery_worker_process(name=name, env=env, **{"concurrency": 2, **options})

    return started


def needing(name: str, *capabilities: str, **more: object) -> dict[str, object]:
    return a_task(name, also={"requires": list(capabilities)}, **more)


def status_of(worker: WorkerProcess) -> WorkerStatus:
    return describe_fleet(chosen=Worker.objects.filter(name=worker.node))[0].status


def has_started(row: Task) -> bool:
    row.refresh_from_db()
    return row.status == "running"


def test_three_workers_share_mixed_requirements_each_where_it_may(start: Start) -> None:
    start("plain")
    start("red", "red")
    start("both", "red", "blue")

    instance = an_instance(
        *(a_task(f"p{number}") for number in range(20)),
        *(needing(f"r{number}", "red") for number in range(20)),
        *(needing(f"b{number}", "blue", "red") for number in range(20)),
    )

    assert wait_for_end(instance).status == "completed"
    ran = ExecutionRecord.objects.filter(task__instance=instance).values_list("task__requirement", "worker")
    assert ran.count() == 60
    assert {worker for requirement, worker in ran if requirement == "blue+red"} == {"both@tests"}
    assert {worker for requirement, worker in ran if requirement == "red"} <= {"red@tests", "both@tests"}
    assert_history_is_sound(instance)


def test_a_task_waits_until_somebody_joins_who_can_do_it_and_is_in_nobody_s_way(start: Start) -> None:
    start("plain")
    stuck = an_instance(needing("stuck", "gpu-of-the-tests"), name="stuck")
    free = an_instance(*(a_task(f"p{number}") for number in range(5)), name="free")
    assert wait_for_end(free).status == "completed"
    assert task(stuck, "stuck").status == "pending"

    start("able", "gpu-of-the-tests")

    assert wait_for_end(stuck).status == "completed"
    assert task(stuck, "stuck").worker == "able@tests"


def test_a_running_worker_takes_what_nobody_ever_required_before(start: Start) -> None:
    start("able", "new")

    instance = an_instance(needing("a", "new"), needing("b", "new", needs=["a"]))

    assert wait_for_end(instance).status == "completed"


def test_a_worker_told_to_stop_hands_back_at_once_and_says_so(start: Start) -> None:
    first = start("first", env={"CPDS_DRAIN_SECONDS": 2, "CPDS_LEASE_SECONDS": 600})
    instance = an_instance(a_task("long", run="nap", seconds=120))
    row = task(instance, "long")
    wait_until(lambda: has_started(row), message="the task to start")

    os.kill(first.pid, signal.SIGTERM)

    wait_until(lambda: status_of(first) is WorkerStatus.DRAINING, message="the row to say draining")
    wait_until(lambda: not has_started(row), message="the task to be handed back")
    wait_until(lambda: first.exit_code is not None, message="the worker to leave")
    assert first.exit_code == 0
    assert status_of(first) is WorkerStatus.OFFLINE
    assert ExecutionRecord.objects.get(task=row).status == "interrupted"
    assert row.losses == 0


def test_an_operator_drains_a_worker_and_takes_it_back(start: Start) -> None:
    worker = start("w1")
    row = task(an_instance(a_task("long", run="nap", seconds=2)), "long")
    wait_until(lambda: has_started(row), message="the task to start")

    drain_worker(given="w1@tests")
    assert status_of(worker) is WorkerStatus.DRAINING
    wait_until(lambda: Worker.objects.get().queues == [], message="the worker to close its queues")
    later = an_instance(a_task("later"))
    wait_until(lambda: Task.objects.get(pk=row.pk).status == "completed", message="the running task to end")
    assert task(later, "later").status in {"pending", "queued"}

    undrain_worker(given="w1@tests")

    assert wait_for_end(later).status == "completed"
    stop_worker(given="w1@tests")
    wait_until(lambda: worker.exit_code is not None, message="the worker to leave")
    assert worker.exit_code == 0


def test_a_worker_that_was_frozen_past_its_lease_changes_nothing(start: Start, tmp_path: object) -> None:
    frozen = start("frozen", concurrency=1)
    instance = an_instance(a_task("slow", run="nap", seconds=1.5))
    row = task(instance, "slow")
    wait_until(lambda: has_started(row), message="the task to start")
    freeze_between_transactions(frozen)
    try:
        start("other", concurrency=1)
        assert wait_for_end(instance).status == "completed"
        assert task(instance, "slow").worker == "other@tests"
    finally:
        os.kill(frozen.pid, signal.SIGCONT)

    wait_until(lambda: status_of(frozen) is WorkerStatus.IDLE, message="the thawed worker to be back")
    records = list(
        ExecutionRecord.objects.filter(task=row).order_by("number").values_list("worker", "status")
    )
    assert records == [("frozen@tests", "lost"), ("other@tests", "completed")]
    assert_history_is_sound(instance)


def test_once_is_one_task_and_out(start: Start) -> None:
    worker = start("one", options=["--once"])

    instance = an_instance(a_task("a"), a_task("b"))
    wait_until(lambda: worker.exit_code is not None, message="the worker to leave")

    assert worker.exit_code == 0
    assert Task.objects.filter(instance=instance, status="completed").count() == 1


def test_a_worker_with_a_number_of_tasks_leaves_after_them(start: Start) -> None:
    worker = start("three", options=["--max-tasks", "3"], concurrency=4)

    instance = an_instance(*(a_task(f"t{number}") for number in range(8)))
    wait_until(lambda: worker.exit_code is not None, message="the worker to leave")

    assert worker.exit_code == 0
    assert Task.objects.filter(instance=instance, status="completed").count() == 3
    start("rest")
    assert wait_for_end(instance).status == "completed"


def test_a_worker_without_work_leaves_when_it_was_told_how_long_to_wait(start: Start) -> None:
    worker = start("idle", options=["--idle-shutdown", "1.5"], wait=False)

    wait_until(lambda: worker.exit_code is not None, timeout=60, message="the worker to leave")

    assert worker.exit_code == 0
    assert status_of(worker) is WorkerStatus.OFFLINE


def test_the_row_says_what_the_worker_is(start: Start) -> None:
    start("w1", "gpu-x", env={"CPDS_LABELS": "zone=north,spare"})

    wait_until(lambda: Worker.objects.get().tools.get("python"), message="the tools to be noted")
    wait_until(lambda: Worker.objects.get().memory_percent, message="a heartbeat")

    row = Worker.objects.get()
    assert {"python", "shell", "gpu-x"} <= set(row.capabilities)
    assert row.labels == {"zone": "north", "spare": ""}
    assert "cpds" in row.queues
