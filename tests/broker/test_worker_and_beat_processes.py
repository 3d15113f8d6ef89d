"""The processes that other tests rely on: as a user starts them, on the test database and broker."""

import psutil
import pytest

from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker


def test_a_worker_takes_messages_when_it_is_ready_and_stops_when_asked(celery_worker_process, broker):
    worker = celery_worker_process(name="w1", concurrency=2)

    with broker.client(decode_responses=True) as client:
        wait_until(lambda: client.smembers("_kombu.binding.cpds"), message="the worker to bind its queue")
    worker.stop()

    assert worker.exit_code == 0
    assert not psutil.pid_exists(worker.pid)


def test_a_killed_worker_can_be_started_again(celery_worker_process):
    worker = celery_worker_process()
    killed = worker.pid

    worker.kill()
    worker.start()

    assert worker.exit_code is None
    assert worker.pid != killed


def test_beat_ticks_and_stops_when_asked(celery_beat_process):
    beat = celery_beat_process()

    beat.stop()

    assert beat.exit_code == 0


@pytest.mark.parametrize(("level", "is_said"), [("INFO", True), ("ERROR", False)])
def test_a_worker_logs_at_the_level_of_the_environment(celery_worker_process, level, is_said):
    worker = celery_worker_process(env={"CPDS_LOG_LEVEL": level})

    worker.stop()

    assert (f"INFO celery.apps.worker {worker.node} ready." in worker.log_tail()) == is_said


def test_beat_logs_at_the_level_of_the_environment(celery_beat_process):
    beat = celery_beat_process()

    assert "INFO celery.beat beat: Starting..." in beat.log_tail()
