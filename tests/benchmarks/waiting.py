"""Read from the record how long tasks waited for their turn after what they need had ended."""

from datetime import timedelta

from django.db.models import F, Max, QuerySet

from tasks_app.models import Instance, Task
from tasks_app.services.submit.instances import submit_instance
from tasks_app.services.workflows.definitions import upload_workflow
from tests.benchmarks.latency import Waits
from tests.support.builders import a_chain, a_diamond, a_workflow, layers
from tests.support.waiting import wait_until

RUN_SECONDS = 60
MILLISECOND = timedelta(milliseconds=1)
WAYS = {
    "next in a chain": a_chain(10),
    "join of a chord": a_diamond(),
    "published alone": layers(4, 4, seed=1),
}


def waits_of(instances: int) -> list[Waits]:
    """Run so many instances of each way, one after the other, and return what their tasks waited."""
    found = []
    for way, tasks in WAYS.items():
        name = way.replace(" ", "-")
        upload_workflow(source=a_workflow(*tasks, name=name).encode())
        ms = [wait for _ in range(instances) for wait in _waits(_finished(name), way)]
        found.append(Waits(way=way, ms=ms))
    return found


def _finished(workflow: str) -> Instance:
    rows = Instance.objects.filter(public_id=submit_instance(workflow=workflow))
    ended = rows.filter(finished_at__isnull=False)
    wait_until(ended.exists, timeout=RUN_SECONDS, message=f"{workflow} to end")
    return rows.get()


def _waits(instance: Instance, way: str) -> list[float]:
    tasks: QuerySet[Task] = Task.objects.filter(instance=instance, needs__isnull=False)
    if way == "join of a chord":
        tasks = tasks.filter(name__endswith="bottom")
    times = tasks.annotate(free_at=Max(F("needs__needed__finished_at"))).values_list("free_at", "started_at")
    return [(started - free) / MILLISECOND for free, started in times]
