"""What ``/api`` without a version shows of workers."""

from typing import Any, Final

from rest_framework import serializers

from tasks_app.api.compat.cpds.words import STATUSES, WHOLE, WORDS, per_cent, priority_word, status_word, when
from workers_app.api.compat.cpds.acts import Seen
from workers_app.fleet.describe import WorkerStatus

WORKER_STATUSES: Final = ("online", "busy", "idle")


class CurrentTaskShape(serializers.Serializer[Any]):
    """What a worker is at."""

    task_id = serializers.CharField()
    title = serializers.CharField()
    status = serializers.ChoiceField(choices=STATUSES)
    progress = serializers.IntegerField(min_value=0, max_value=WHOLE)
    priority = serializers.ChoiceField(choices=WORDS)
    created_at = serializers.DateTimeField()


class ClassicWorkerShape(serializers.Serializer[Any]):
    """A worker that is there."""

    worker_id = serializers.CharField()
    worker_name = serializers.CharField()
    platform = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(choices=WORKER_STATUSES)
    last_heartbeat = serializers.DateTimeField()
    registered_at = serializers.DateTimeField()
    capabilities = serializers.ListField(child=serializers.CharField())
    current_task = CurrentTaskShape(allow_null=True)
    tasks_completed = serializers.IntegerField(min_value=0)


class ClassicWorkersShape(serializers.Serializer[Any]):
    """The workers that are there."""

    workers = ClassicWorkerShape(many=True)
    count = serializers.IntegerField(min_value=0)


class WorkerSaidShape(serializers.Serializer[Any]):
    """A worker was noted."""

    worker_id = serializers.CharField()
    message = serializers.CharField()


class AssignedShape(serializers.Serializer[Any]):
    """A worker has a task."""

    task_id = serializers.CharField()
    worker_id = serializers.CharField()
    message = serializers.CharField()


class StatusShape(serializers.Serializer[Any]):
    """How everything stands."""

    pending_tasks = serializers.IntegerField(min_value=0)
    in_progress_tasks = serializers.IntegerField(min_value=0)
    completed_tasks = serializers.IntegerField(min_value=0)
    failed_tasks = serializers.IntegerField(min_value=0)
    online_workers = serializers.IntegerField(min_value=0)
    idle_workers = serializers.IntegerField(min_value=0)
    busy_workers = serializers.IntegerField(min_value=0)
    uptime_seconds = serializers.IntegerField(min_value=0)
    uptime = serializers.CharField()
    version = serializers.CharField()


def classic_worker(seen: Seen) -> dict[str, Any]:
    """Return what is shown of a worker."""
    worker = seen.sighting.worker
    return {
        "worker_id": worker.public_id,
        "worker_name": worker.name,
        "platform": worker.platform,
        "status": _status(seen.sighting.status),
        "last_heartbeat": when(worker.heartbeat_at),
        "registered_at": when(worker.registered_at),
        "capabilities": worker.capabilities,
        "current_task": _current(seen.task) if seen.task is not None else None,
        "tasks_completed": worker.tasks_completed,
    }


def _status(status: WorkerStatus) -> str:
    """Return the word; one that takes nothing new is as good as busy."""
    return "busy" if status is WorkerStatus.DRAINING else str(status)


def _current(task: Any) -> dict[str, Any]:
    return {
        "task_id": task.address,
        "title": task.title or task.name,
        "status": status_word(status=task.status),
        "progress": per_cent(task.progress),
        "priority": priority_word(task.priority),
        "created_at": when(task.created_at),
    }
