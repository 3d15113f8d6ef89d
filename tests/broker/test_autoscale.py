"""``manage.py autoscale --start``: real workers, more while there is work, and fewer when there is none."""

import json
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks_app.models import ExecutionRecord, Instance, Task
from tests.support.builders import a_task
from tests.support.effects import effects
from tests.support.engine import an_instance, assert_history_is_sound, task, wait_for_end
from tests.support.processes import QUICK, PythonProgram
from tests.support.program import Program
from tests.support.spawning import alive, descendants
from tests.support.waiting import wait_until
from workers_app.fleet.describe import WorkerStatus, describe_fleet
from workers_app.models import Worker

pytestmark = pytest.mark.broker
QUICK_TO_DRAIN = {**QUICK, "CPDS_DRAIN_SECONDS": 1}
HERE = socket.gethostname()


class AutoscaleProgram(PythonProgram):
    """``manage.py autoscale --start``, which tells its changes line by line."""

    stop_seconds = 30.0

    def changes(self) -> list[tuple[int, int]]:
        """Return what it said: how many workers there were to be before and after."""
        told = [json.loads(line) for line in self.log_tail(100_000).splitlines() if line.startswith("{")]
        return [(each["before"], each["workers"]) for each in told]


@pytest.fixture
def autoscale(
    broker: object,
    database_url: str,
    ended_after_test: Callable[[Program], Program],
    tmp_path: Path,
) -> Callable[..., AutoscaleProgram]:
    def started(
        *options: str, slots: int = 1, maximum: int = 3, env: dict[str, object] | None = None
    ) -> AutoscaleProgram:
        program = AutoscaleProgram(
            name="autoscale",
            directory=tmp_path,
            arguments=[
                *("manage.py", "autoscale", "--start", "--json", "--min", "1", "--max", str(maximum)),
                *("--slots", str(slots), "--quiet", "1", "--watch", "0.2", *options),
            ],
            env={**QUICK_TO_DRAIN, "CPDS_STATE_DIR": tmp_path / "state", **(env or {})},
        )
        ended_after_test(program)
        program.start()
        return program

    return started


def held(gate: Path, log: Path, count: int) -> Instance:
    """Return an instance of so many tasks, of which number N ends when there is the file ``gate``N."""
    tasks = [
        a_task(f"t{number}", run="hold", path=f"{gate}{number}", started=str(log), line=f"t{number}")
        for number in range(count)
    ]
    return an_instance(*tasks)


def there() -> set[str]:
    return {each.worker.name for each in describe_fleet() if each.status is not WorkerStatus.OFFLINE}


def name(number: int) -> str:
    return f"auto-{number}@{HERE}"


def wait_for(*numbers: int) -> None:
    wait_until(
        lambda: there() == {name(number) for number in numbers},
        timeout=60,
        message=lambda: f"workers {numbers}; there are {there()}",
    )


def test_one_becomes_three_and_one_again(autoscale: Callable[..., AutoscaleProgram], tmp_path: Path) -> None:
    gate, log = tmp_path / "gate", tmp_path / "log"
    program = autoscale()
    wait_for(1)

    instance = held(gate, log, 5)
    wait_for(1, 2, 3)
    wait_until(lambda: len(effects(log)) == 3, timeout=30, message="three tasks to run at the same time")
    for number in range(5):
        Path(f"{gate}{number}").touch()

    assert wait_for_end(instance).status == "completed"
    wait_until(lambda: len(there()) == 1, timeout=60, message="two workers to leave")
    assert program.changes()[0] == (1, 3)
    assert program.changes()[-1][1] == 1
    assert set(ExecutionRecord.objects.values_list("status", flat=True)) == {"completed"}
    assert set(Task.objects.values_list("attempts", flat=True)) == {1}
    assert_history_is_sound(instance)

    program.stop()

    assert program.exit_code == 0
    assert there() == set()
    assert not Worker.objects.filter(drain_requested_at__isnull=False).exists()


def test_a_worker_that_is_to_leave_finishes_what_it_runs(
    autoscale: Callable[..., AutoscaleProgram], tmp_path: Path
) -> None:
    gate, log = tmp_path / "gate", tmp_path / "log"
    program = autoscale(slots=2, maximum=2)
    instance = held(gate, log, 4)
    wait_until(lambda: len(effects(log)) == 4, timeout=60, message="four tasks to run on two workers")
    by_worker: dict[str, list[Task]] = {}
    for row in Task.objects.filter(instance=instance):
        by_worker.setdefault(row.worker, []).append(row)
    assert sorted(map(len, by_worker.values())) == [2, 2]

    for one, _ in by_worker.values():
        Path(f"{gate}{one.name[1:]}").touch()
    leaving = wait_until(
        lambda: Worker.objects.filter(drain_requested_at__isnull=False, queues=[]).first(),
        timeout=60,
        message="one to be drained",
    )
    left = by_worker[leaving.name][1]
    assert task(instance, left.name).status == "running"
    assert leaving.name in there()
    for _, other in by_worker.values():
        Path(f"{gate}{other.name[1:]}").touch()

    wait_until(lambda: len(there()) == 1, timeout=60, message="it to leave")
    assert wait_for_end(instance).status == "completed"
    assert set(ExecutionRecord.objects.values_list("status", flat=True)) == {"completed"}
    assert program.changes()[-1] == (2, 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_stop_it_hands_back_what_runs_and_leaves_nobody(
    autoscale: Callable[..., AutoscaleProgram], tmp_path: Path, number: signal.Signals
) -> None:
    program = autoscale()
    instance = held(tmp_path / "gate", tmp_path / "log", 1)
    wait_until(lambda: effects(tmp_path / "log"), timeout=60, message="the task to start")
    children = descendants(program.pid)

    assert program.process is not None
    program.process.send_signal(number)
    wait_until(lambda: program.exit_code is not None, timeout=30, message="it to end")

    assert program.exit_code == 0
    assert not any(alive(each) for each in children)
    assert ExecutionRecord.objects.get().status == "interrupted"
    assert task(instance, "t0").losses == 0
    assert there() == set()


def test_killed_it_leaves_nobody_either(autoscale: Callable[..., AutoscaleProgram]) -> None:
    program = autoscale()
    wait_for(1)
    children = descendants(program.pid)

    program.kill()

    wait_until(lambda: not any(alive(each) for each in children), timeout=30, message="its workers to end")


def test_a_second_one_of_the_same_name_is_refused(
    autoscale: Callable[..., AutoscaleProgram], tmp_path: Path
) -> None:
    autoscale()
    wait_for(1)
    (tmp_path / "autoscale.log").rename(tmp_path / "first.log")

    second = autoscale()

    wait_until(lambda: second.exit_code is not None, timeout=30, message="the second to end")
    assert second.exit_code == 1
    assert "An autoscaler called auto is at work on this machine" in second.log_tail()
