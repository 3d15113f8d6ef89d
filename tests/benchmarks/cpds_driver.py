"""What the process does that submits to one installation of CPDS. Imports CPDS only when Django is set up."""

from typing import TYPE_CHECKING, Any

from tests.benchmarks.shapes import EVERY_SHAPE, SHAPES
from tests.support.builders import a_workflow
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from tests.benchmarks.latency import Waits
    from tests.benchmarks.scale import Cost, Point

RUN_SECONDS = 60


def prepare() -> None:
    """Set Django up, make the tables, and upload the shapes."""
    import django

    django.setup()
    from django.core.management import call_command

    from tasks_app.services.workflows.definitions import upload_workflow

    call_command("migrate", verbosity=0)
    for shape in EVERY_SHAPE.values():
        upload_workflow(source=a_workflow(*shape.tasks(), name=shape.key).encode())


def run(shape: str) -> float:
    """Submit an instance, wait until it has ended, and return the seconds from first to last.

    The end is what the row says, so waiting may be lazy and disturbs nobody.
    """
    from cpds.base import clock
    from tasks_app.models import Instance
    from tasks_app.services.submit.instances import submit_instance
    from tasks_app.states import INSTANCE_FINAL

    started = clock.now()
    rows = Instance.objects.filter(public_id=submit_instance(workflow=shape))
    wait_until(rows.filter(status__in=INSTANCE_FINAL).exists, timeout=RUN_SECONDS, message=f"{shape} to end")
    instance = rows.get()
    if instance.status != "completed":
        raise RuntimeError(f"{shape} ended as {instance.status}: {instance.error_message}")
    return (instance.finished_at - started).total_seconds()


def count(shape: str) -> dict[str, Any]:
    """Return how many SQL statements and transactions the shape takes; no worker may run meanwhile."""
    from tests.benchmarks.statements import count_statements

    return count_statements(SHAPES[shape].key).as_json()


def cost(point: "Point", seconds: float) -> "Cost":
    """Return what a point costs in this process; no worker may run meanwhile."""
    from tests.benchmarks.cost import cost_of

    return cost_of(point, seconds)


def write_past(tasks: int) -> int:
    """Write so many finished tasks beside what there is; return how many were written."""
    from tasks_app.models import Instance
    from tests.benchmarks.history import write_history

    origin = Instance.objects.filter(status="completed").order_by("pk").first()
    assert origin is not None, "a past is copied from an instance that completed"
    return write_history(origin=origin, tasks=tasks)


def waits(instances: int) -> "list[Waits]":
    """Run instances one by one on the worker, and return how long their tasks waited."""
    from tests.benchmarks.waiting import waits_of

    return waits_of(instances)
