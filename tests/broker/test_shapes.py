"""Graphs of every shape run to their end on a real broker and a real worker."""

from collections.abc import Callable
from typing import Any

import pytest

from tasks_app.models import Task
from tests.support.builders import a_chain, a_fan, diamonds, layers
from tests.support.engine import an_instance, assert_history_is_sound, wait_for_end
from tests.support.processes import WorkerProcess

StartWorker = Callable[..., WorkerProcess]
pytestmark = pytest.mark.broker


@pytest.mark.parametrize(
    "tasks",
    [
        pytest.param(a_chain(100), id="a chain of 100"),
        pytest.param(a_fan(200), id="1 to 200 to 1"),
        pytest.param(diamonds(50), id="50 diamonds at once"),
    ],
)
def test_every_task_completes_exactly_once(
    celery_worker_process: StartWorker, tasks: list[dict[str, Any]]
) -> None:
    celery_worker_process(concurrency=8)

    instance = wait_for_end(an_instance(*tasks))

    assert instance.status == "completed"
    assert_history_is_sound(instance)


def test_no_task_waits_for_its_layer(celery_worker_process: StartWorker) -> None:
    celery_worker_process(concurrency=20)

    instance = wait_for_end(an_instance(*layers(10, 20, seed=7, longest_seconds=0.3)), timeout=120)

    assert instance.status == "completed"
    assert_history_is_sound(instance)
    times = Task.objects.filter(instance=instance).values_list("name", "started_at", "finished_at")
    layer_of = {name: int(name.split("-")[1]) for name, _, _ in times}
    early = [
        name
        for name, started, _ in times
        if any(layer_of[other] == layer_of[name] - 1 and ended > started for other, _, ended in times)
    ]
    assert early, "every layer waited for the whole layer before it"
