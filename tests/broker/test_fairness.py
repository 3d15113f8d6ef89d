"""Real workers: a burst of one project holds nobody up, and a worker kept for a project takes no other's."""

from collections.abc import Callable

import pytest

from tasks_app.models import ExecutionRecord, Instance, Project, Task
from tasks_app.services.submit.instances import submit_instance
from tasks_app.services.workflows.definitions import upload_workflow
from tests.support.builders import a_task, a_workflow
from tests.support.engine import wait_for_end
from tests.support.processes import WorkerProcess
from tests.support.waiting import wait_until
from workers_app.models import Worker

pytestmark = pytest.mark.broker
QUICK = {"CPDS_HEARTBEAT_SECONDS": 0.5, "CPDS_SWEEP_SECONDS": 0.5, "CPDS_REDELIVER_SECONDS": 1}
Start = Callable[..., WorkerProcess]


def submitted(slug: str, *tasks: dict[str, object]) -> Instance:
    project, _ = Project.objects.get_or_create(slug=slug, defaults={"name": slug})
    uploaded = upload_workflow(source=a_workflow(*tasks).encode(), project=project)
    return Instance.objects.get(public_id=submit_instance(workflow=uploaded.workflow_id))


def test_a_single_task_starts_after_about_one_of_a_burst(celery_worker_process: Start) -> None:
    for name in ("w1", "w2"):
        celery_worker_process(name=name, concurrency=1, env=QUICK)
    burst = submitted("loud", *(a_task(f"t{number}", run="nap", seconds=0.5) for number in range(40)))
    running = Task.objects.filter(instance=burst, status="running")
    wait_until(lambda: running.count() == 2, message="the burst to take both workers")
    before = ExecutionRecord.objects.filter(task__instance=burst).count()

    single = submitted("quiet", a_task("single"))

    assert wait_for_end(single).status == "completed"
    started = ExecutionRecord.objects.get(task__instance=single).started_at
    overtook = ExecutionRecord.objects.filter(task__instance=burst, started_at__lt=started).count() - before
    assert overtook <= 2  # at most one more on each worker


def test_a_worker_kept_for_a_project_takes_its_tasks_only(celery_worker_process: Start) -> None:
    celery_worker_process(name="kept", concurrency=2, env={**QUICK, "CPDS_WORKER_PROJECTS": "garden"})
    other = submitted("park", *(a_task(f"t{number}") for number in range(5)))
    own = submitted("garden", a_task("a"), a_task("b", needs=["a"]))

    assert wait_for_end(own).status == "completed"
    assert Worker.objects.get().projects == ["garden"]
    assert set(Task.objects.filter(instance=other).values_list("status", flat=True)) <= {"pending", "queued"}
    celery_worker_process(name="any", concurrency=2, env=QUICK)

    assert wait_for_end(other).status == "completed"
    assert set(Task.objects.filter(instance=other).values_list("worker", flat=True)) == {"any@tests"}
