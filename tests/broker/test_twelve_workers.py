"""Twelve workers of both kinds share 200 tasks while five of the twelve are struck."""

import shlex
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tasks_app.models import ExecutionRecord, Instance, Task
from tasks_app.states import RecordState, TaskState
from tests.chaos.mix import EFFECT, SCRIPT
from tests.support.builders import a_task
from tests.support.effects import effects
from tests.support.engine import an_instance, assert_history_is_sound, state_of, wait_for_end
from tests.support.http_workers import SdkProcess, WebProcess
from tests.support.processes import PythonProgram, WorkerProcess
from tests.support.program import Program
from tests.support.waiting import StillWaitingError, wait_until
from workers_app.fleet.describe import WorkerStatus, describe_fleet
from workers_app.fleet.operators import drain_worker
from workers_app.models import Worker
from workers_app.models.worker import WorkerKind

pytestmark = [pytest.mark.broker, pytest.mark.slow, pytest.mark.fleet, pytest.mark.timeout(300)]
HEARTBEAT_SECONDS = 4
LEASE_SECONDS = 12
"""Wide enough that on a busy machine nobody loses a claim whom the test did not strike."""
ENV = {
    "CPDS_LEASE_SECONDS": LEASE_SECONDS,
    "CPDS_HEARTBEAT_SECONDS": HEARTBEAT_SECONDS,
    "CPDS_SWEEP_SECONDS": 0.5,
    "CPDS_REDELIVER_SECONDS": 3,
}
SLOTS = 2
TASK_SECONDS = 1.2
DECLARED = {"c3": "gpu", "c4": "gpu", "c5": "frozen-of-the-tests"}
"""What each of the eight Celery workers c0 to c7 declares beside ``git``."""
END = 150.0


class Twelve:
    """Eight Celery workers c0 … c7 and four over HTTP h0 … h3, with the log of what tasks did."""

    def __init__(self, *, directory: Path, take: Callable[[Program], Program]) -> None:
        self.log = directory / "effects"
        web = WebProcess(directory=directory, env={**ENV, "CPDS_TRUST_LOCAL": 1})
        take(web)
        web.start(wait=False)
        self.celery = {name: self._celery(name, directory) for name in (f"c{number}" for number in range(8))}
        step = shlex.join(["sh", "-c", SCRIPT, "sh", str(self.log), "{prompt}", f"{TASK_SECONDS:g}"])
        options = ["--exec", step, "--output", "text", "--concurrency", str(SLOTS), "--capability", "git"]
        self.http = {
            name: SdkProcess(
                directory=directory,
                url=web.url,
                name=name,
                options=options,
                heartbeat_seconds=HEARTBEAT_SECONDS,
            )
            for name in (f"h{number}" for number in range(4))
        }
        everyone: list[PythonProgram] = [*self.celery.values(), *self.http.values()]
        for worker in everyone:
            take(worker)
            worker.start(wait=False)
        for program in (web, *everyone):
            program.wait_until_ready()

    def _celery(self, name: str, directory: Path) -> WorkerProcess:
        env = {**ENV, "CPDS_CAPABILITIES": ",".join(filter(None, ["git", DECLARED.get(name)]))}
        worker = WorkerProcess(directory=directory, name=name, concurrency=SLOTS, env=env)
        worker.start_seconds = 90.0
        return worker

    def mix(self) -> list[dict[str, object]]:
        """Return 200 tasks: for anybody, with git, with a GPU, and for workers over HTTP."""
        step = partial(a_task, run="record_both_ends", path=str(self.log), line=EFFECT, seconds=TASK_SECONDS)
        outside = partial(a_task, run="external", prompt=EFFECT)
        return [
            *(step(f"plain-{number}") for number in range(80)),
            *(step(f"git-{number}", also={"requires": ["git"]}) for number in range(40)),
            *(step(f"gpu-{number}", also={"requires": ["gpu"]}) for number in range(20)),
            *(outside(f"http-{number}") for number in range(40)),
            *(outside(f"http-git-{number}", also={"requires": ["git"]}) for number in range(20)),
        ]


@pytest.fixture
def twelve(
    broker: object, database_url: str, ended_after_test: Callable[[Program], Program], tmp_path: Path
) -> Twelve:
    return Twelve(directory=tmp_path, take=ended_after_test)


def freeze_at_work(worker: PythonProgram, name: str) -> set[tuple[int, int]]:
    """Freeze a worker while it runs tasks and holds no lock; return these, each with its attempt."""

    def frozen_at_work() -> set[tuple[int, int]]:
        worker.freeze()
        if running(name) and others_go_on() and (held := running(name)):
            return held
        worker.thaw()
        return set()

    return wait_until(frozen_at_work, timeout=60, message=f"{name} to be at work")


def running(name: str) -> set[tuple[int, int]]:
    holder = Worker.objects.get(name=name).holder
    rows = ExecutionRecord.objects.filter(worker=holder, status=RecordState.RUNNING)
    return set(rows.values_list("task_id", "number"))


def completed() -> int:
    return Task.objects.filter(status=TaskState.COMPLETED).count()


def others_go_on() -> bool:
    """Return whether tasks still complete: a process that stands in a transaction would hold them all."""
    before = completed()
    try:
        return wait_until(lambda: completed() > before, timeout=5)
    except StillWaitingError:
        return False


def what_is_recorded(instance: Instance) -> list[tuple[object, ...]]:
    tasks = Task.objects.filter(instance=instance).order_by("pk").values_list("pk", "status", "output")
    records = ExecutionRecord.objects.filter(task__instance=instance).order_by("pk")
    return [*tasks, *records.values_list("pk", "worker", "status", "output", "finished_at")]


def keep_every_slot_busy(worker: WorkerProcess, capability: str, directory: Path) -> None:
    """Return when all slots of a worker have performed something new: nothing old is left in any."""
    started, gate = directory / "started", directory / "gate"
    hold = partial(a_task, run="hold", path=str(gate), started=str(started))
    each = (hold(f"hold-{slot}", also={"requires": [capability]}) for slot in range(SLOTS))
    after = an_instance(*each, name="after")
    wait_until(lambda: len(effects(started)) == SLOTS, timeout=60, message=f"{worker.name} to work again")
    gate.touch()
    assert wait_for_end(after).status == "completed"


def test_all_complete_once_where_they_may_whoever_dies_freezes_or_leaves(
    twelve: Twelve, tmp_path: Path
) -> None:
    instance = an_instance(*twelve.mix())
    wait_until(lambda: completed() >= 80, timeout=END, message=lambda: f"the first 80; {state_of(instance)}")

    drain_worker(given="c6@tests")
    killed = {"h3": twelve.http["h3"], "c4@tests": twelve.celery["c4"], "c7@tests": twelve.celery["c7"]}
    struck: set[tuple[int, int]] = set()
    for name, worker in killed.items():
        seen = freeze_at_work(worker, name)
        worker.kill()
        if name not in twelve.http:  # what one over HTTP has said before, the web server may still write
            struck |= seen
    late = freeze_at_work(twelve.celery["c5"], "c5@tests")

    assert wait_for_end(instance, timeout=END).status == "completed"
    assert Task.objects.filter(instance=instance, status=TaskState.COMPLETED).count() == 200
    recorded = what_is_recorded(instance)
    begun = {effect.line for effect in effects(twelve.log)}
    lines = {f"{instance.public_id}/{Task.objects.get(pk=task).name}/{attempt}" for task, attempt in late}
    late_lines = {f"end {line}" for line in lines & begun}
    assert late_lines
    twelve.celery["c5"].thaw()
    wait_until(
        lambda: late_lines <= {effect.line for effect in effects(twelve.log)},
        timeout=60,
        message="the thawed worker to end what it had begun",
    )
    keep_every_slot_busy(twelve.celery["c5"], "frozen-of-the-tests", tmp_path)
    assert what_is_recorded(instance) == recorded

    assert_each_ran_once_but_what_was_struck(
        instance, twelve.log, lost=struck | late, by=[*killed, "c5@tests"]
    )
    assert_each_ran_where_it_may(instance)
    assert_load_is_even(instance)
    (drained,) = describe_fleet(chosen=Worker.objects.filter(name="c6@tests"))
    assert (drained.status, drained.running) == (WorkerStatus.DRAINING, 0)
    assert_history_is_sound()


def assert_each_ran_once_but_what_was_struck(
    instance: Instance, log: Path, *, lost: set[tuple[int, int]], by: list[str]
) -> None:
    """Check that only the struck lost attempts: those they were seen at, and what was given to them since."""
    of_struck = {row.holder for row in Worker.objects.filter(name__in=by)}
    records = list(
        ExecutionRecord.objects.filter(task__instance=instance).values_list(
            "task_id", "task__name", "number", "status", "output", "task__output", "worker"
        )
    )
    unfinished = {(row[0], row[2]): row[6] for row in records if row[3] != RecordState.COMPLETED}
    assert set(unfinished) >= lost
    assert set(unfinished.values()) <= of_struck
    assert Counter(row[0] for row in records if row[3] == RecordState.COMPLETED) == Counter(
        Task.objects.filter(instance=instance).values_list("pk", flat=True)
    )
    done = Counter(effect.line for effect in effects(log) if not effect.line.startswith("end "))
    assert set(done.values()) == {1}
    for _, name, number, status, output, stored, _ in records:
        if status == RecordState.COMPLETED:
            effect = f"{instance.public_id}/{name}/{number}"
            assert (output, stored, done[effect]) == (effect, effect, 1)


def assert_each_ran_where_it_may(instance: Instance) -> None:
    workers = {row.holder: row for row in Worker.objects.all()}
    ran = ExecutionRecord.objects.filter(task__instance=instance).values_list("task__name", "worker")
    for name, holder in ran:
        worker = workers[holder]
        assert (worker.kind == WorkerKind.HTTP) is name.startswith("http")
        needed = {each for each in ("git", "gpu") if each in name.split("-")}
        assert needed <= set(worker.capabilities), f"{name} ran on {worker.name}"
    assert {holder for name, holder in ran if name.startswith("gpu")} == {"c3@tests", "c4@tests"}


def assert_load_is_even(instance: Instance) -> None:
    """Nobody was idle, and of those that nothing struck none did thrice what another of its kind did."""
    names = {row.holder: row.name for row in Worker.objects.all()}
    records = ExecutionRecord.objects.filter(task__instance=instance)
    load = Counter(names[holder] for holder in records.values_list("worker", flat=True))
    assert len(load) == 12, load
    for kind in (["c0@tests", "c1@tests", "c2@tests", "c3@tests"], ["h0", "h1", "h2"]):
        counts = [load[name] for name in kind]
        assert max(counts) <= 3 * min(counts), load
