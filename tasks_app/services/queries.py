"""What people and programs ask of the record. Read only."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q, Sum

from tasks_app.models import Dependency, Event, ExecutionRecord, Instance, Task, Workflow, WorkflowVersion
from tasks_app.planning.spec import WorkflowSpec
from tasks_app.services.definitions import latest_version
from tasks_app.services.lookup import find_instance, find_workflow
from tasks_app.states import INSTANCE_FINAL, TASK_UNFINISHED, InstanceState, TaskState

JSONObject = dict[str, Any]
_COMPLETED = (TaskState.COMPLETED, TaskState.SKIPPED, TaskState.COMPENSATED)
_FAILED = (TaskState.FAILED, TaskState.CANCELLED)
_RUNNING = (TaskState.RUNNING, TaskState.COMPENSATING)


def moment(at: datetime | None) -> str | None:
    """Return a time as RFC 3339 in UTC with milliseconds, or None."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None


def progress_of(*, counts: Mapping[str, int]) -> dict[str, int]:
    """Return the five numbers of an instance's progress from how many tasks are in each state."""
    total = sum(counts.values())
    completed = sum(counts.get(state, 0) for state in _COMPLETED)
    running = sum(counts.get(state, 0) for state in _RUNNING)
    failed = sum(counts.get(state, 0) for state in _FAILED)
    return {
        "total": total,
        "completed": completed,
        "running": running,
        "failed": failed,
        "pending": total - completed - running - failed,
    }


def instance_status(*, given: str) -> JSONObject:
    """Return the state of an instance with all its tasks: what ``instance status --json`` prints.

    :raises NotFound: when there is no such instance.
    :raises AmbiguousId: when a shortened id fits several.
    """
    instance = find_instance(given=given)
    tasks = list(Task.objects.filter(instance=instance).order_by("position"))
    needs = _needs_by_name(instance, tasks)
    spent = _spent(instance)
    counts = Counter(task.status for task in tasks)
    return {
        "id": instance.public_id,
        "workflow_id": instance.workflow.public_id,
        "workflow_name": instance.workflow.name,
        "workflow_version": instance.version.number,
        "status": instance.status,
        "params": instance.params,
        "progress": progress_of(counts=counts),
        "created_at": moment(instance.created_at),
        "started_at": moment(instance.started_at),
        "finished_at": moment(instance.finished_at),
        "duration_ms": _span_ms(instance.started_at, instance.finished_at),
        "error_message": instance.error_message or None,
        "tasks": [_task_status(task, needs.get(task.pk, []), spent.get(task.pk, {})) for task in tasks],
    }


def instance_progress(*, keys: Sequence[int]) -> dict[int, dict[str, int]]:
    """Return the progress of each instance, in one statement."""
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    rows = (
        Task.objects.filter(instance_id__in=keys).values_list("instance_id", "status").annotate(Count("pk"))
    )
    for instance_id, status, count in rows:
        counts[instance_id][status] = count
    return {key: progress_of(counts=counts.get(key, {})) for key in keys}


def is_final(*, given: str) -> bool:
    """Return whether an instance has ended."""
    return InstanceState(find_instance(given=given).status) in INSTANCE_FINAL


def list_instances(
    *, status: str | None = None, workflow: str | None = None, limit: int = 20
) -> list[JSONObject]:
    """Return the newest instances, newest first.

    :raises NotFound: when ``workflow`` names none.
    """
    rows = Instance.objects.select_related("workflow").order_by("-id")
    if status is not None:
        rows = rows.filter(status=status)
    if workflow is not None:
        rows = rows.filter(workflow=find_workflow(given=workflow))
    found = list(rows[:limit])
    progress = instance_progress(keys=[row.pk for row in found])
    return [
        {
            "id": row.public_id,
            "workflow_id": row.workflow.public_id,
            "workflow_name": row.workflow.name,
            "status": row.status,
            "progress": progress[row.pk],
            "created_at": moment(row.created_at),
            "started_at": moment(row.started_at),
            "finished_at": moment(row.finished_at),
            "duration_ms": _span_ms(row.started_at, row.finished_at),
            "error_message": row.error_message or None,
        }
        for row in found
    ]


def list_workflows() -> list[JSONObject]:
    """Return every workflow, newest first."""
    rows = Workflow.objects.annotate(instance_count=Count("instances")).order_by("-id")
    sizes = {
        (workflow_id, number): count
        for workflow_id, number, count in WorkflowVersion.objects.values_list(
            "workflow_id", "number", "task_count"
        )
    }
    return [
        {
            "id": row.public_id,
            "name": row.name,
            "description": row.description,
            "version": row.latest,
            "task_count": sizes.get((row.pk, row.latest), 0),
            "instances": row.instance_count,
            "created_at": moment(row.created_at),
        }
        for row in rows
    ]


def workflow_detail(*, given: str) -> JSONObject:
    """Return a workflow with its newest definition.

    :raises NotFound: when there is no such workflow.
    """
    workflow = find_workflow(given=given)
    version = latest_version(workflow=workflow)
    spec = WorkflowSpec.from_json(version.definition)
    return {
        "id": workflow.public_id,
        "name": workflow.name,
        "description": workflow.description,
        "version": version.number,
        "versions": [
            {"version": number, "task_count": count, "created_at": moment(created_at)}
            for number, count, created_at in workflow.versions.order_by("number").values_list(
                "number", "task_count", "created_at"
            )
        ],
        "created_at": moment(workflow.created_at),
        "definition": version.definition,
        "tasks": [
            {
                "name": task.name,
                "description": task.description,
                "run": task.run,
                "needs": list(task.needs),
                "priority": task.priority,
                "timeout_seconds": task.timeout_seconds,
            }
            for task in spec.tasks
        ],
    }


def instance_events(*, given: str, after: int = 0, limit: int = 1000) -> list[JSONObject]:
    """Return what happened in an instance since event ``after``, in order.

    :raises NotFound: when there is no such instance.
    """
    instance = find_instance(given=given)
    rows = (
        Event.objects.filter(instance=instance, id__gt=after)
        .order_by("id")
        .values_list("id", "kind", "task__name", "attempt", "worker", "message", "data", "happened_at")[
            :limit
        ]
    )
    return [
        {
            "id": pk,
            "kind": kind,
            "task": task,
            "attempt": attempt,
            "worker": worker or None,
            "message": message,
            "data": data,
            "happened_at": moment(at),
        }
        for pk, kind, task, attempt, worker, message, data, at in rows
    ]


def unfinished_counts() -> dict[str, int]:
    """Return how much is not over: instances, tasks, and what is armed to wake. All zero: idle."""
    return {
        "instances": Instance.objects.unfinished().count(),
        "tasks": Task.objects.filter(status__in=sorted(TASK_UNFINISHED)).count(),
        "armed": Task.objects.filter(status=TaskState.WAITING).count(),
    }


def ended_badly(*, since: int) -> int:
    """Return how many instances created after the one with key ``since`` failed or were cancelled."""
    bad = (InstanceState.FAILED, InstanceState.CANCELLED)
    return Instance.objects.filter(pk__gt=since, status__in=bad).count()


def newest_instance() -> int:
    """Return the key of the newest instance, 0 when there is none."""
    return int(Instance.objects.aggregate(newest=Max("pk"))["newest"] or 0)


def running_overview(*, keys: Sequence[str] | None = None) -> JSONObject:
    """Return what a live view shows: the named instances (None: the unfinished) and their running tasks."""
    chosen = Instance.objects.select_related("workflow").order_by("id")
    chosen = chosen.unfinished() if keys is None else chosen.filter(public_id__in=keys)
    instances = list(chosen[:50])
    progress = instance_progress(keys=[row.pk for row in instances])
    running = Task.objects.filter(
        instance_id__in=[row.pk for row in instances], status__in=[TaskState.RUNNING, TaskState.COMPENSATING]
    ).select_related("instance")
    return {
        "instances": [
            {
                "id": row.public_id,
                "workflow_name": row.workflow.name,
                "status": row.status,
                "progress": progress[row.pk],
            }
            for row in instances
        ],
        "tasks": [
            {
                "instance_id": task.instance.public_id,
                "name": task.name,
                "executor": task.executor,
                "started_at": task.started_at,
                "worker": task.worker,
                "progress": task.progress,
                "message": task.progress_message,
            }
            for task in running.order_by("started_at", "pk")[:50]
        ],
    }


def _needs_by_name(instance: Instance, tasks: Iterable[Task]) -> dict[int, list[str]]:
    name_of = {task.pk: task.name for task in tasks}
    needs: dict[int, list[str]] = defaultdict(list)
    edges = Dependency.objects.filter(task__instance=instance).order_by("id")
    for task_id, needed_id in edges.values_list("task_id", "needed_id"):
        needs[task_id].append(name_of[needed_id])
    return needs


def _spent(instance: Instance) -> dict[int, JSONObject]:
    """Return tokens and cost of each task over all its attempts; None where none are known."""
    rows = (
        ExecutionRecord.objects.filter(task__instance=instance)
        .values("task_id")
        .annotate(
            tokens=Sum("tokens_used"),
            micros=Sum("cost_usd_micros"),
            simulated=Count("pk", filter=Q(simulated=True)),
        )
    )
    return {row["task_id"]: row for row in rows}


def _task_status(task: Task, needs: list[str], spent: Mapping[str, Any]) -> JSONObject:
    micros = spent.get("micros")
    error = None
    if task.error_kind:
        error = {"kind": task.error_kind, "message": task.error_message}
    elif task.status == TaskState.SKIPPED:
        error = {"kind": "skipped", "message": task.reason}
    return {
        "name": task.name,
        "status": task.status,
        "executor": task.executor,
        "needs": needs,
        "attempts": task.attempts,
        "worker": task.worker or None,
        "queued_at": moment(task.published_at),
        "started_at": moment(task.started_at),
        "finished_at": moment(task.finished_at),
        "duration_ms": task.duration_ms,
        "output": task.output,
        "error": error,
        "tokens": spent.get("tokens"),
        "cost_usd": micros / 1_000_000 if micros is not None else None,
        "simulated": bool(spent.get("simulated")),
    }


def _span_ms(start: datetime | None, end: datetime | None) -> int | None:
    return round((end - start).total_seconds() * 1000) if start and end else None
