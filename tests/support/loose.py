"""Tasks created on their own, and HTTP workers, in tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tasks_app.models import Instance, Task
from tasks_app.services.attempts.attempt import Attempt
from tasks_app.services.lookup import http_workers
from tasks_app.services.lookup.fences import Fence
from tasks_app.services.submit.loose import create_tasks


def created(*tasks: dict[str, Any]) -> Instance:
    """Create these tasks in one request, and return their instance."""
    return Instance.objects.get(public_id=create_tasks(tasks=list(tasks)).instance_id)


def an_external(task_id: str, **more: Any) -> dict[str, Any]:
    """Return a task for a worker that speaks HTTP."""
    return {"task_id": task_id, "executor": "external", **more}


def loose(task_id: str) -> Task:
    """Return the task of this id, as it is now."""
    return Task.objects.select_related("instance").get(task_id=task_id)


def attempt_at(row: Task, *, worker: str | None = None, dispatch_id: str | None = None) -> Attempt:
    """Return the attempt at a task that runs now, as its worker speaks of it, or this other one."""
    fence = Fence(row.pk, dispatch_id or row.dispatch_id or "")
    return Attempt(worker=worker or row.worker, fence=fence)


@contextmanager
def an_http_worker_online() -> Iterator[None]:
    """Let every project have a worker that speaks HTTP."""
    before, abilities = http_workers._is_online, http_workers._abilities
    http_workers.connect_http_workers(
        is_online=lambda _project: True,
        abilities=lambda projects: {key: [frozenset()] for key in projects},
    )
    try:
        yield
    finally:
        http_workers.connect_http_workers(is_online=before, abilities=abilities)
