"""What ``/api`` without a version shows of workers."""

from typing import Annotated, Any, Final

from cpds.base.view import Count, Moment, View, one_of
from tasks_app.api.compat.cpds.shapes import PerCent
from tasks_app.api.compat.cpds.words import STATUSES, WORDS, per_cent, priority_word, status_word
from tasks_app.services.queries.values import moment_of
from workers_app.api.compat.cpds.acts import Seen
from workers_app.fleet.describe import WorkerStatus

WORKER_STATUSES: Final = ("online", "busy", "idle")


class CurrentTaskView(View):
    """What a worker is at."""

    task_id: str
    title: str
    status: Annotated[str, one_of(STATUSES)]
    progress: PerCent
    priority: Annotated[str, one_of(WORDS)]
    created_at: Moment


class CompatWorkerView(View):
    """A worker that is there."""

    worker_id: str
    worker_name: str
    platform: str
    status: Annotated[str, one_of(WORKER_STATUSES)]
    last_heartbeat: Moment
    registered_at: Moment
    capabilities: list[str]
    current_task: CurrentTaskView | None
    tasks_completed: Count


class CompatWorkersView(View):
    """The workers that are there."""

    workers: list[CompatWorkerView]
    count: Count


class WorkerSaidView(View):
    """A worker was noted."""

    worker_id: str
    message: str


class AssignedView(View):
    """A worker has a task."""

    task_id: str
    worker_id: str
    message: str


class StatusView(View):
    """How everything stands."""

    pending_tasks: Count
    in_progress_tasks: Count
    completed_tasks: Count
    failed_tasks: Count
    online_workers: Count
    idle_workers: Count
    busy_workers: Count
    uptime_seconds: Count
    uptime: str
    version: str


def compat_worker(seen: Seen) -> CompatWorkerView:
    """Return what is shown of a worker."""
    worker = seen.described.worker
    return CompatWorkerView(
        worker_id=worker.public_id,
        worker_name=worker.name,
        platform=worker.platform,
        status=_status(seen.described.status),
        last_heartbeat=moment_of(worker.heartbeat_at),
        registered_at=moment_of(worker.registered_at),
        capabilities=worker.capabilities,
        current_task=_current(seen.task) if seen.task is not None else None,
        tasks_completed=worker.tasks_completed,
    )


def _status(status: WorkerStatus) -> str:
    """Return the word; one that takes nothing new is as good as busy."""
    return "busy" if status is WorkerStatus.DRAINING else str(status)


def _current(task: Any) -> CurrentTaskView:
    return CurrentTaskView(
        task_id=task.address,
        title=task.title or task.name,
        status=status_word(status=task.status),
        progress=per_cent(task.progress),
        priority=priority_word(task.priority),
        created_at=moment_of(task.created_at),
    )
