"""How many tasks each worker runs."""

from django.db.models import Count

from tasks_app.models import Task
from tasks_app.states import TaskState


def running_by_worker() -> dict[str, int]:
    """Return how many tasks each worker holds, by the word it holds them under; who holds none is missing."""
    rows = Task.objects.filter(status=TaskState.RUNNING, lease_expires_at__isnull=False).values_list("worker")
    return dict(rows.annotate(Count("pk")).order_by())
