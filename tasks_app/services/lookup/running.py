"""What each worker runs."""

from collections.abc import Collection

from django.db.models import Count

from tasks_app.models import Task
from tasks_app.services.lookup.fences import Fence
from tasks_app.states import TaskState


def running_by_worker() -> dict[str, int]:
    """Return how many tasks each worker holds, by the word it holds them under; who holds none is missing."""
    rows = Task.objects.filter(status=TaskState.RUNNING, lease_expires_at__isnull=False).values_list("worker")
    return dict(rows.annotate(Count("pk")).order_by())


def count_held(worker: str) -> int:
    """Return how many tasks a worker holds."""
    return Task.objects.filter(status=TaskState.RUNNING, worker=worker).count()


def held_among(*, worker: str, given: Collection[str]) -> set[Fence]:
    """Return the claims of a worker on those of these tasks, given by id or number, that it holds."""
    held = Task.objects.filter(status=TaskState.RUNNING, worker=worker)
    named = set(given)
    return {
        Fence(pk, dispatch_id or "")
        for pk, task_id, dispatch_id in held.values_list("pk", "task_id", "dispatch_id")
        if named & {task_id, str(pk)}
    }


def held_by_workers(workers: Collection[str]) -> dict[str, Task]:
    """Return the task that each of these workers has held for longest; who holds none is missing."""
    held = Task.objects.filter(status=TaskState.RUNNING, worker__in=sorted(workers))
    newest_first = held.defer("spec", "output").order_by("-started_at", "-pk")
    return {task.worker: task for task in newest_first}
