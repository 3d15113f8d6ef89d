"""Tasks created on their own, on a real worker."""

from collections.abc import Callable

import pytest

from tasks_app.models import Task
from tasks_app.outcomes import Completed
from tasks_app.services.control.tasks import cancel_task, retry_task
from tasks_app.services.http_workers.assigning import assign
from tasks_app.services.submit.loose import create_tasks
from tasks_app.states import InstanceState, TaskState
from tests.support.engine import assert_history_is_sound, wait_for_end
from tests.support.loose import an_external, attempt_at, created, loose
from tests.support.processes import QUICK, WorkerProcess
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker


@pytest.fixture(autouse=True)
def worker(shared_worker: Callable[..., WorkerProcess]) -> WorkerProcess:
    return shared_worker(env=QUICK)


def stands(task_id: str, status: TaskState) -> None:
    wait_until(lambda: loose(task_id).status == status, message=lambda: str(vars(loose(task_id))))


def test_requests_that_need_one_another_run_in_order() -> None:
    first = created(
        {"task_id": "a", "run": "echo", "with": {"word": "one"}},
        {"task_id": "b", "run": "echo", "needs": ["a"], "with": {"word": "{{ tasks.a.output.word }}, two"}},
    )
    second = created(
        {"task_id": "c", "run": "echo", "needs": ["b"], "with": {"word": "{{ tasks.b.output.word }}, three"}},
        an_external("d", needs=["c"]),
    )
    third = created({"task_id": "e", "run": "noop", "needs": ["d"]})

    assert wait_for_end(first).status == InstanceState.COMPLETED
    wait_until(lambda: loose("d").ready_at is not None, message=lambda: str(vars(loose("d"))))
    assert loose("c").output == {"word": "one, two, three"}
    assign(task=loose("d"), worker="outside")
    attempt_at(loose("d")).end(outcome=Completed())

    assert wait_for_end(second).status == wait_for_end(third).status == InstanceState.COMPLETED
    assert_history_is_sound()


def test_five_hundred_run() -> None:
    made = create_tasks(tasks=[{"run": "noop"} for _ in range(500)])

    wait_for_end(loose(made.task_ids[0]).instance, timeout=120)

    assert Task.objects.filter(status=TaskState.COMPLETED).count() == 500


def test_one_that_runs_is_stopped_and_tried_again() -> None:
    instance = created(
        {"task_id": "long", "run": "nap", "with": {"seconds": 60}}, {"task_id": "short", "run": "noop"}
    )
    stands("long", TaskState.RUNNING)

    cancel_task(task=loose("long"), by="ada")
    assert wait_for_end(instance).status == InstanceState.CANCELLED
    Task.objects.filter(task_id="long").update(spec={**loose("long").spec, "with": {"seconds": 0.01}})
    retry_task(task=loose("long"))

    assert wait_for_end(instance).status == InstanceState.COMPLETED
    assert_history_is_sound()
