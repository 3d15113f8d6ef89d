"""Continuous tasks and what takes their batches, on real workers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks_app.models import Event, Instance, StreamBatch, Task
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.instances import pause_instance, resume_instance, retry_instance
from tasks_app.services.submit.instances import rerun_instance
from tests.support.builders import a_task
from tests.support.effects import effects
from tests.support.engine import an_instance, assert_history_is_sound, state_of, task, wait_for_end
from tests.support.processes import QUICK, WorkerProcess
from tests.support.waiting import stays_true, wait_until

pytestmark = pytest.mark.broker
THREE_AHEAD = {**QUICK, "CPDS_STREAM_BATCHES_AHEAD": 3}
Start = Callable[..., WorkerProcess]
ITEMS = "{{ tasks.numbers.output }}"


@pytest.fixture
def worker(shared_worker: Start) -> WorkerProcess:
    return shared_worker(env=THREE_AHEAD)


def a_stream(
    path: Path, *, to: int, size: int = 10, interval: str = "100ms", also: Any = None, **arguments: Any
) -> dict[str, Any]:
    keys = {"mode": "continuous", "buffer_size": size, "flush_interval": interval, **(also or {})}
    return a_task("numbers", run="count_up", also=keys, to=to, path=str(path), **arguments)


def a_consumer(name: str, path: Path, *, also: Any = None, **arguments: Any) -> dict[str, Any]:
    return a_task(name, run="consume", needs=["numbers"], items=ITEMS, path=str(path), also=also, **arguments)


def consumed(path: Path) -> list[int]:
    return [int(effect.line) for effect in effects(path) if effect.line.isdigit()]


def emitted(path: Path) -> list[int]:
    return [int(effect.line.split()[1]) for effect in effects(path) if effect.line.startswith("emit")]


def batches(instance: Instance) -> list[list[int]]:
    found = StreamBatch.objects.filter(task__instance=instance).order_by("number")
    rows = list(found.values_list("number", "items"))  # read at once: more may come meanwhile
    assert [number for number, _ in rows] == list(range(1, len(rows) + 1))
    return [items for _, items in rows]


def test_each_dependant_is_run_for_each_batch_in_order(worker: WorkerProcess, tmp_path: Path) -> None:
    left, right = tmp_path / "left", tmp_path / "right"
    instance = an_instance(
        a_stream(tmp_path / "emitted", to=45, seconds=0),
        a_consumer("left", left),
        a_consumer("right", right),
        a_task("end", run="echo", needs=["left", "right"], left="{{ tasks.left.output.batches }}"),
    )

    assert wait_for_end(instance).status == "completed"
    handed_on = batches(instance)
    assert [number for batch in handed_on for number in batch] == list(range(1, 46))
    assert consumed(left) == consumed(right) == list(range(1, 46))
    assert task(instance, "numbers").output == {"batches": len(handed_on), "items": 45}
    assert task(instance, "left").output == {"batches": len(handed_on)}
    assert task(instance, "end").output == {"left": len(handed_on)}
    runs = Task.objects.filter(parent=task(instance, "left")).order_by("item_index")
    assert [run.name for run in runs] == [f"left[{n + 1}]" for n in range(len(handed_on))]
    assert [run.output for run in runs] == [len(batch) for batch in handed_on]
    said = Event.objects.filter(instance=instance, kind="task.batch").order_by("id")
    assert [event.data["batch"] for event in said] == [n + 1 for n in range(len(handed_on))]


def test_a_full_buffer_is_handed_on_at_once(worker: WorkerProcess, tmp_path: Path) -> None:
    log = tmp_path / "log"
    instance = an_instance(
        a_stream(tmp_path / "emitted", to=20, size=10, interval="1h", stays=True), a_consumer("take", log)
    )

    wait_until(lambda: len(consumed(log)) == 20, timeout=20)
    assert batches(instance) == [list(range(1, 11)), list(range(11, 21))]


def test_an_aged_buffer_is_handed_on_without_another_item(worker: WorkerProcess, tmp_path: Path) -> None:
    log = tmp_path / "log"
    instance = an_instance(
        a_stream(tmp_path / "emitted", to=3, size=1000, interval="300ms", seconds=0, stays=True),
        a_consumer("take", log),
    )

    wait_until(lambda: consumed(log) == [1, 2, 3], timeout=20)
    assert batches(instance) == [[1, 2, 3]]
    assert task(instance, "numbers").status == "running"


def test_a_stream_waits_for_those_that_take_its_batches(worker: WorkerProcess, tmp_path: Path) -> None:
    gate, log, source = tmp_path / "gate", tmp_path / "log", tmp_path / "emitted"
    instance = an_instance(
        a_stream(source, to=20, size=2, interval="1h", seconds=0), a_consumer("take", log, gate=str(gate))
    )
    wait_until(lambda: len(batches(instance)) == 3, timeout=20)

    assert stays_true(lambda: len(batches(instance)) == 3 and len(emitted(source)) <= 8, seconds=1)
    gate.touch()
    assert wait_for_end(instance).status == "completed"
    assert consumed(log) == list(range(1, 21))


def test_nothing_is_lost_when_workers_are_killed(celery_worker_process: Start, tmp_path: Path) -> None:
    log, source = tmp_path / "log", tmp_path / "emitted"
    first = celery_worker_process(name="w1", concurrency=2, env=THREE_AHEAD)
    instance = an_instance(a_stream(source, to=300, size=7, seconds=0.01), a_consumer("take", log))
    wait_until(lambda: len(consumed(log)) > 30, timeout=30)

    first.kill()
    second = celery_worker_process(name="w2", concurrency=2, env=THREE_AHEAD)
    wait_until(lambda: len(consumed(log)) > 150, timeout=60)
    second.kill()
    celery_worker_process(name="w3", concurrency=4, env=THREE_AHEAD)

    assert wait_for_end(instance, timeout=90).status == "completed"
    assert [number for batch in batches(instance) for number in batch] == list(range(1, 301))
    taken = consumed(log)
    assert set(taken) == set(range(1, 301))
    firsts = list(dict.fromkeys(taken))
    assert firsts == sorted(firsts)
    assert task(instance, "numbers").attempts >= 2
    assert_history_is_sound(instance)


def test_a_drained_stream_hands_on_what_it_has(worker: WorkerProcess, tmp_path: Path) -> None:
    log, source = tmp_path / "log", tmp_path / "emitted"
    instance = an_instance(
        a_stream(source, to=13, size=5, interval="1h", stays=True),
        a_consumer("take", log),
        a_task("after", needs=["take"]),
    )
    wait_until(lambda: len(emitted(source)) == 13, timeout=20)

    cancel_instance(given=instance.public_id, drain=True, by="ann")

    assert wait_for_end(instance, timeout=30).status == "cancelled"
    assert effects(source)[-1].line == "told to stop"
    assert consumed(log) == list(range(1, 14))
    states = {name: task(instance, name).status for name in ("numbers", "take", "after")}
    assert set(states.values()) == {"cancelled"}, states


def test_cancelling_now_stops_a_stream_at_once(worker: WorkerProcess, tmp_path: Path) -> None:
    log, source = tmp_path / "log", tmp_path / "emitted"
    instance = an_instance(
        a_stream(source, to=3, size=1000, interval="1h", stays=True), a_consumer("take", log)
    )
    wait_until(lambda: len(emitted(source)) == 3, timeout=20)

    cancel_instance(given=instance.public_id)

    instance.refresh_from_db()
    assert instance.status == "cancelled"
    wait_until(lambda: effects(source)[-1].line == "told to stop", timeout=5)
    assert batches(instance) == []


def test_a_cancelled_stream_goes_on_when_retried(worker: WorkerProcess, tmp_path: Path) -> None:
    log, source = tmp_path / "log", tmp_path / "emitted"
    instance = an_instance(a_stream(source, to=60, size=5, seconds=0.05), a_consumer("take", log))
    wait_until(lambda: len(consumed(log)) >= 10, timeout=20)
    cancel_instance(given=instance.public_id, drain=True)
    assert wait_for_end(instance).status == "cancelled"

    retry_instance(given=instance.public_id)

    assert wait_for_end(instance).status == "completed"
    assert consumed(log) == list(range(1, 61))


def test_a_paused_stream_holds_no_slot_and_goes_on_where_it_was(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    log, source = tmp_path / "log", tmp_path / "emitted"
    instance = an_instance(a_stream(source, to=60, size=7, seconds=0.05), a_consumer("take", log))
    wait_until(lambda: len(consumed(log)) >= 10, timeout=20)

    pause_instance(given=instance.public_id)

    wait_until(lambda: task(instance, "numbers").status == "pending", timeout=10)
    wait_until(lambda: not Task.objects.filter(status="running").exists(), timeout=10)
    resume_instance(given=instance.public_id)
    assert wait_for_end(instance).status == "completed"
    assert consumed(log) == list(range(1, 61))


def test_a_worker_that_stops_hands_on_the_buffer_first(celery_worker_process: Start, tmp_path: Path) -> None:
    source = tmp_path / "emitted"
    first = celery_worker_process(name="w1", env={**THREE_AHEAD, "CPDS_DRAIN_SECONDS": 0})
    instance = an_instance(a_stream(source, to=5, size=1000, interval="1h", stays=True))
    wait_until(lambda: len(emitted(source)) == 5, timeout=20)

    first.stop()

    assert batches(instance) == [[1, 2, 3, 4, 5]]
    assert task(instance, "numbers").status in {"pending", "queued"}


def test_a_bad_batch_fails_its_dependant_and_ends_the_stream(worker: WorkerProcess, tmp_path: Path) -> None:
    log, source = tmp_path / "log", tmp_path / "emitted"
    instance = an_instance(
        a_stream(source, to=10_000, size=5, seconds=0.01, stays=True), a_consumer("take", log, fail_on=12)
    )

    assert wait_for_end(instance).status == "failed"
    assert task(instance, "take").error_kind == "batch_failed"
    assert task(instance, "numbers").status == "cancelled"
    assert "12 is bad" in instance.error_message


def test_with_continue_later_batches_are_taken_and_the_dependant_fails_in_the_end(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    log, source = tmp_path / "log", tmp_path / "emitted"
    instance = an_instance(
        a_stream(source, to=30, size=5), a_consumer("take", log, fail_on=12), on_failure="continue"
    )

    assert wait_for_end(instance).status == "failed"
    assert consumed(log) == list(range(1, 31))
    assert task(instance, "numbers").status == "completed"
    assert task(instance, "take").status == "failed"


def test_a_stream_that_emits_nothing_leaves_its_dependants_nothing_to_do(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    instance = an_instance(a_stream(tmp_path / "emitted", to=0), a_consumer("take", tmp_path / "log"))

    assert wait_for_end(instance).status == "completed"
    assert task(instance, "take").output == {"batches": 0}, state_of(instance)


def test_a_rerun_takes_the_batches_of_its_origin(worker: WorkerProcess, tmp_path: Path) -> None:
    log = tmp_path / "log"
    instance = an_instance(a_stream(tmp_path / "emitted", to=12, size=5), a_consumer("take", log))
    assert wait_for_end(instance).status == "completed"

    again = Instance.objects.get(public_id=rerun_instance(given=instance.public_id, from_task="take"))

    assert wait_for_end(again).status == "completed"
    assert consumed(log) == [*range(1, 13), *range(1, 13)]
