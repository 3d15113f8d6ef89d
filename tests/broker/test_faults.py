"""The broker is emptied, the worker is killed: every instance ends all the same."""

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tasks_app.models import ExecutionRecord, Task
from tests.support.builders import a_chain, a_fan, a_task, layers
from tests.support.effects import effects
from tests.support.engine import an_instance, assert_history_is_sound, task, wait_for_end
from tests.support.freezing import freeze_between_transactions
from tests.support.processes import QUICK, BeatProcess, WorkerProcess
from tests.support.servers import Broker
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker


def test_it_survives_an_emptied_broker(
    celery_worker_process: Callable[..., WorkerProcess], broker: Broker
) -> None:
    celery_worker_process(concurrency=4, env=QUICK)
    instance = an_instance(*layers(8, 10, seed=3, longest_seconds=0.2), *a_chain(20, run="nap", seconds=0.02))
    finished = Task.objects.filter(instance=instance, status="completed")

    for share in (10, 30, 60):
        wait_until(lambda share=share: finished.count() >= share, timeout=60)
        broker.flush()

    assert wait_for_end(instance, timeout=90).status == "completed"
    assert_history_is_sound(instance)


def test_it_survives_a_broker_that_is_away_for_a_while(
    celery_worker_process: Callable[..., WorkerProcess], broker: Broker
) -> None:
    celery_worker_process(concurrency=4, env=QUICK)
    instance = an_instance(*a_fan(30, run="nap", seconds=0.1))
    wait_until(lambda: Task.objects.filter(instance=instance, status="completed").count() >= 5)

    broker.kill()
    broker.start()

    assert wait_for_end(instance, timeout=90).status == "completed"
    assert_history_is_sound(instance)


def test_a_killed_worker_s_task_starts_again_elsewhere(
    celery_worker_process: Callable[..., WorkerProcess], tmp_path: Path
) -> None:
    first = celery_worker_process(name="first", concurrency=2, env=QUICK)
    gate, log = tmp_path / "gate", tmp_path / "log"
    instance = an_instance(
        a_task("held", run="hold", path=str(gate), started=str(log)), a_task("after", needs=["held"])
    )
    wait_until(lambda: len(effects(log)) == 1, timeout=30)

    first.kill()
    gate.touch()
    celery_worker_process(name="second", concurrency=2, env=QUICK)

    assert wait_for_end(instance).status == "completed"
    records = ExecutionRecord.objects.filter(task__name="held").order_by("number")
    assert [record.status for record in records] == ["lost", "completed"]
    assert_history_is_sound(instance)


def test_a_worker_started_anew_frees_its_predecessor_s_tasks_at_once(
    celery_worker_process: Callable[..., WorkerProcess], tmp_path: Path
) -> None:
    slow_lease = {**QUICK, "CPDS_LEASE_SECONDS": 600}
    first = celery_worker_process(name="same", concurrency=2, env=slow_lease)
    gate, log = tmp_path / "gate", tmp_path / "log"
    instance = an_instance(a_task("held", run="hold", path=str(gate), started=str(log)))
    wait_until(lambda: len(effects(log)) == 1, timeout=30)

    first.kill()
    gate.touch()
    celery_worker_process(name="same", concurrency=2, env=slow_lease)

    assert wait_for_end(instance).status == "completed"


def test_a_thawed_worker_changes_nothing(
    celery_worker_process: Callable[..., WorkerProcess], tmp_path: Path
) -> None:
    frozen = celery_worker_process(name="frozen", concurrency=2, env=QUICK)
    gate, log = tmp_path / "gate", tmp_path / "log"
    instance = an_instance(a_task("held", run="hold_and_tell", path=str(gate), started=str(log)))
    wait_until(lambda: len(effects(log)) == 1, timeout=30)
    freeze_between_transactions(frozen)
    gate.touch()
    celery_worker_process(name="second", concurrency=2, env=QUICK)
    wait_for_end(instance)
    stored = task(instance, "held").output

    frozen.thaw()

    wait_until(lambda: "late_result_refused" in frozen.log_tail(), timeout=30, message="the late result")
    assert task(instance, "held").output == stored
    assert ExecutionRecord.objects.filter(task__instance=instance, status="completed").count() == 1


def test_a_task_that_kills_its_workers_is_quarantined(
    celery_worker_process: Callable[..., WorkerProcess],
) -> None:
    instance = an_instance(a_task("poison", run="die"), a_task("after", needs=["poison"]))

    lost = ExecutionRecord.objects.filter(task__instance=instance, status="lost")
    opened = ExecutionRecord.objects.filter(task__instance=instance)
    for attempt in (1, 2, 3):
        worker = celery_worker_process(name="victim", concurrency=1, env=QUICK, wait=False)
        wait_until(lambda attempt=attempt: opened.count() == attempt, timeout=60)
        wait_until(lambda worker=worker: not worker.is_running, timeout=60)
    celery_worker_process(name="survivor", concurrency=1, env=QUICK)

    assert wait_for_end(instance).status == "failed"
    assert task(instance, "poison").error_kind == "quarantined"
    assert lost.count() == 3
    assert task(instance, "after").status == "skipped"


def test_a_killed_worker_leaves_no_process_behind(
    celery_worker_process: Callable[..., WorkerProcess], tmp_path: Path
) -> None:
    worker = celery_worker_process(name="killed", concurrency=2, env=QUICK)
    marker = f"61{os.getpid()}.{time.monotonic_ns() % 1_000_000}"
    daemon = (
        "import os, time; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); "
        f"time.sleep({marker})"
    )
    instance = an_instance(
        a_task("sleeper", run="shell_command", argv=["sleep", marker]),
        a_task("daemon", run="shell_command", argv=[sys.executable, "-c", daemon]),
        a_task("after", needs=["sleeper"]),
    )
    wait_until(lambda: len(processes_with(marker)) >= 2, timeout=30, message="the commands to run")

    worker.kill()

    wait_until(lambda: not processes_with(marker), timeout=10, message="every descendant to end")
    assert task(instance, "sleeper").status == "running"


def processes_with(word: str) -> list[str]:
    """Return the command lines of living processes that contain ``word``, this one's left out."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            line = each.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if word in line and int(each.parent.name) != os.getpid():
                found.append(line)
    return found


def test_beat_rings_for_the_sweep(
    celery_worker_process: Callable[..., WorkerProcess],
    celery_beat_process: Callable[..., BeatProcess],
    broker: Broker,
) -> None:
    from tasks_app.models import Chore

    celery_worker_process(concurrency=2, env={"CPDS_SWEEP_SECONDS": 0.5})
    celery_beat_process(env={"CPDS_SWEEP_SECONDS": 0.5})

    wait_until(lambda: Chore.objects.filter(pk="sweep", ran_at__isnull=False).exists(), timeout=30)
