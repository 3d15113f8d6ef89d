"""Listeners on real workers: nothing that happens to a worker or a listener makes them miss an event."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks_app.models import Delivery, Instance
from tests.support.builders import a_chain, a_task
from tests.support.effects import effects
from tests.support.engine import an_instance, wait_for_end
from tests.support.processes import QUICK, WorkerProcess
from tests.support.waiting import wait_until
from tests.unit.executors.http_server import a_server, reply

pytestmark = pytest.mark.broker
SECRET = "correct-horse-battery-staple"
QUICK_LISTENERS = {**QUICK, "CPDS_LISTENER_LEASE_SECONDS": 2, "CPDS_LISTENER_BACKOFF_SECONDS": 0.2}
Start = Callable[..., WorkerProcess]


def to_file(log: Path, **options: object) -> dict[str, Any]:
    return {
        "listener": "tests.support.listeners_for_tests.ToFile",
        "options": {"path": str(log), **options},
    }


@pytest.fixture
def listening(settings: Any, celery_worker_process: Start) -> Start:
    """Start a worker with these listeners, which this process knows, too."""

    def started(*listeners: dict[str, Any], **options: Any) -> WorkerProcess:
        settings.CPDS = {**settings.CPDS, "listeners": list(listeners)}
        env = {**QUICK_LISTENERS, "CPDS_LISTENERS": json.dumps(listeners), **options.pop("env", {})}
        return celery_worker_process(concurrency=4, env=env, **options)

    return started


def told(log: Path, instance: Instance) -> list[str]:
    """Return what was heard of an instance, without its id and the event's."""
    lines = [each.line.split(maxsplit=2) for each in effects(log)]
    return [rest.removesuffix(" -") for key, _, rest in lines if key == instance.public_id]


def test_a_listener_hears_everything_in_order(listening: Start, tmp_path: Path) -> None:
    log = tmp_path / "heard"
    listening(to_file(log))
    instances = [an_instance(*a_chain(3), name=f"chain-{n}") for n in range(3)]

    for instance in instances:
        assert wait_for_end(instance).status == "completed"
        wait_until(lambda each=instance: "workflow.completed" in told(log, each))
        assert told(log, instance) == [
            "workflow.started",
            *(f"task.{word} link-{n}" for n in range(3) for word in ("started", "success")),
            "workflow.completed",
        ]


def test_an_event_is_told_again_when_the_worker_is_killed_in_the_middle(
    listening: Start, tmp_path: Path
) -> None:
    log, gate = tmp_path / "heard", tmp_path / "gate"
    worker = listening(to_file(log, gate=str(gate)))
    instance = an_instance(a_task("only"))
    wait_until(lambda: told(log, instance) == ["workflow.started"])
    assert wait_for_end(instance).status == "completed"

    worker.kill()
    gate.touch()
    worker.start()

    wait_until(lambda: "workflow.completed" in told(log, instance), timeout=20)
    assert told(log, instance) == [
        "workflow.started",
        *("workflow.started", "task.started only", "task.success only", "workflow.completed"),
    ]


def test_a_listener_that_fails_is_told_again_and_the_instance_is_unhurt(
    listening: Start, tmp_path: Path
) -> None:
    log = tmp_path / "heard"
    listening(to_file(log, failures=3))

    instance = an_instance(*a_chain(2))

    assert wait_for_end(instance).status == "completed"
    wait_until(lambda: "workflow.completed" in told(log, instance), timeout=30)
    assert told(log, instance)[0] == "workflow.started"
    assert len(told(log, instance)) == 6
    assert len(effects(f"{log}.tries")) == 9


def test_what_was_rung_for_while_the_broker_lost_it_is_told(listening: Start, broker, tmp_path: Path) -> None:
    log = tmp_path / "heard"
    worker = listening(to_file(log), wait=False)
    instance = an_instance(a_task("only"))
    broker.flush()
    wait_until(worker.is_ready, timeout=40)

    assert wait_for_end(instance).status == "completed"
    wait_until(lambda: "workflow.completed" in told(log, instance), timeout=20)
    assert told(log, instance)[0] == "workflow.started"


def test_a_worker_of_their_own_takes_them_and_no_tasks(listening: Start, tmp_path: Path) -> None:
    from workers_app.models import Worker

    log = tmp_path / "heard"
    listener_worker = to_file(log)
    worker = listening(listener_worker, wait=False, name="l1")
    worker.arguments += ["-Q", "cpds.listeners"]
    worker.end()
    worker.start()

    instance = an_instance(a_task("only"))

    wait_until(lambda: told(log, instance) == ["workflow.started"], timeout=20)
    assert Worker.objects.get(name=worker.node).slots == 0
    instance.refresh_from_db()
    assert instance.status == "running"


def test_a_webhook_is_posted_and_its_secret_kept(listening: Start, tmp_path: Path) -> None:
    with a_server() as server:
        server.answers["/hook"] = reply(500)
        worker = listening(
            {
                "listener": "webhook",
                "events": ["workflow.completed"],
                "options": {
                    "url": server.url("/hook"),
                    "secret_env": "OPS_SECRET",
                    "allowed_hosts": ["127.0.0.1"],
                },
            },
            env={"OPS_SECRET": SECRET, "CPDS_LOG_LEVEL": "DEBUG"},
        )
        instance = an_instance(a_task("only"))
        assert wait_for_end(instance).status == "completed"
        wait_until(lambda: Delivery.objects.filter(failures__gt=0).exists(), timeout=20)
        row = Delivery.objects.get()
        server.answers["/hook"] = reply(200)
        wait_until(lambda: not Delivery.objects.filter(failures__gt=0).exists(), timeout=20)

    assert row.last_error == f"127.0.0.1:{server.port} answered 500."
    first, *_, last = server.received
    assert first.headers["x-cpds-delivery"] == last.headers["x-cpds-delivery"]
    assert json.loads(last.body)["instance_id"] == instance.public_id
    assert SECRET not in worker.log_tail()
