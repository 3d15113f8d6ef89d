"""A worker or beat that could not work, or would take another's tasks, ends at once and says why."""

import pytest

from tests.support.builders import a_task
from tests.support.effects import effects
from tests.support.engine import an_instance, task, wait_for_end
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker


def refusal(program):
    wait_until(lambda: not program.is_running, timeout=40, message="the refusal")
    assert program.exit_code == 2, program.log_tail()
    assert "Traceback" not in program.log_tail()
    return program.log_tail()


def test_a_second_worker_of_one_name_is_refused_and_takes_nothing(
    celery_worker_process, database_url, tmp_path
):
    first = celery_worker_process(name="same")
    gate, log = tmp_path / "gate", tmp_path / "log"
    instance = an_instance(a_task("held", run="hold", path=str(gate), started=str(log)))
    wait_until(lambda: effects(log), timeout=30, message="the task to start")

    second = celery_worker_process(name="same", wait=False)

    said = refusal(second)
    assert f"Another worker is called {first.node}: process {first.pid} on" in said
    assert "with -n" in said
    gate.touch()
    assert wait_for_end(instance).status == "completed"
    assert task(instance, "held").attempts == 1


def test_a_worker_is_refused_over_settings_that_cannot_work(celery_worker_process):
    worker = celery_worker_process(env={"CPDS_LEASE_SECONDS": 5, "CPDS_RENEW_SECONDS": 4}, wait=False)

    assert "cpds.E002" in refusal(worker)


def test_beat_is_refused_over_settings_that_cannot_work(celery_beat_process):
    beat = celery_beat_process(env={"CPDS_SWEEP_SECONDS": 0}, wait=False)

    assert "cpds.E001" in refusal(beat)
