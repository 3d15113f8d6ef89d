"""Instances: one in full, and lists of them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Count, F, Q, Sum

from tasks_app.errors import NotFound
from tasks_app.models import Dependency, ExecutionRecord, Instance, Task
from tasks_app.planning.inputs.secrets import secret_names, shown_params, shown_value
from tasks_app.services.lookup.by_name import find_instance, find_workflow
from tasks_app.services.progress.foreign import foreign_names
from tasks_app.services.queries.values import moment, moment_of, progress_of, span_ms
from tasks_app.services.queries.views.instances import (
    InstanceRowView,
    InstanceStatusView,
    ProgressView,
    TaskStatusView,
    WaitView,
)
from tasks_app.services.queries.views.tasks import TaskErrorView
from tasks_app.states import INSTANCE_FINAL, InstanceState, TaskState
from tasks_app.status_words import standing


def instance_status(given: str) -> InstanceStatusView:
    """Return the state of an instance with all its tasks: what ``instance status --json`` prints.

    :raises NotFound: when there is no such instance.
    :raises AmbiguousId: when a shortened id fits several.
    """
    instance = find_instance(given=given)
    in_order = ("position", F("item_index").asc(nulls_first=True))
    tasks = list(Task.objects.filter(instance=instance).defer("spec", "description").order_by(*in_order))
    name_of = {task.pk: task.name for task in tasks}
    children = dict(
        Instance.objects.filter(parent_task__instance=instance)
        .order_by("pk")
        .values_list("parent_task_id", "public_id")
    )
    needs = _needs_by_name(instance, tasks)
    spent = _spent(instance)
    counts = Counter(
        standing(status=task.status, satisfies=task.satisfies)
        for task in tasks
        if task.compensates_id is None
    )
    secrets = secret_names(instance.definition)
    for task in tasks:
        task.output = shown_value(task.output, params=instance.params, secrets=secrets)
    return InstanceStatusView(
        id=instance.public_id,
        **_workflow_of(instance),
        workflow_version=instance.version.number if instance.version is not None else None,
        status=instance.status,
        params=shown_params(instance.params, secrets),
        progress=progress_of(counts),
        created_at=moment_of(instance.created_at),
        started_at=moment(instance.started_at),
        finished_at=moment(instance.finished_at),
        duration_ms=span_ms(start=instance.started_at, end=instance.finished_at),
        error_message=instance.error_message or None,
        parent_instance=_parent_of(instance),
        tasks=[
            _task_status(
                task,
                needs=needs.get(task.pk, []),
                spent=spent.get(task.pk, {}),
                parent=name_of.get(task.parent_id),
                child_instance=children.get(task.pk),
            )
            for task in tasks
        ],
    )


def instance_key(given: str) -> int:
    """Return the key of an instance; cheap for a whole id, so that it can be asked again and again.

    :raises NotFound: when there is no such instance.
    :raises AmbiguousId: when a shortened id fits several.
    """
    key = Instance.objects.filter(public_id=given).values_list("pk", flat=True).first()
    return key if key is not None else int(find_instance(given=given).pk)


def is_final(given: str) -> bool:
    """Return whether an instance has ended.

    :raises NotFound: when there is no such instance.
    """
    key = instance_key(given)
    status = Instance.objects.filter(pk=key).values_list("status", flat=True).first()
    if status is None:  # it was pruned between the two looks
        raise NotFound(kind="instance", given=given, listing="manage.py instance list")
    return InstanceState(status) in INSTANCE_FINAL


def instance_progress(keys: Sequence[int]) -> dict[int, ProgressView]:
    """Return the progress of each instance, in one statement.

    Undos are not counted: the total stays the workflow's. A task that is being
    undone counts as running, and as completed again once it is undone.
    """
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    rows = (
        Task.objects.filter(instance_id__in=keys, compensates__isnull=True)
        .values_list("instance_id", "status", "satisfies")
        .annotate(Count("pk"))
    )
    for instance_id, status, satisfies, count in rows:
        state = standing(status=status, satisfies=satisfies)
        counts[instance_id][state] = counts[instance_id].get(state, 0) + count
    return {key: progress_of(counts.get(key, {})) for key in keys}


def list_instances(
    *, status: str | None = None, workflow: str | None = None, limit: int = 20, offset: int = 0
) -> list[InstanceRowView]:
    """Return the newest instances, newest first, without the first ``offset``.

    :raises NotFound: when ``workflow`` names none.
    """
    rows = Instance.objects.select_related("workflow").defer("params").order_by("-id")
    if status is not None:
        rows = rows.filter(status=status)
    if workflow is not None:
        rows = rows.filter(workflow=find_workflow(given=workflow))
    return _summaries(rows[offset : offset + limit])


def instance_summary(given: str) -> InstanceRowView:
    """Return one row of ``list_instances``; cheap for a whole id.

    :raises NotFound: when there is no such instance.
    :raises AmbiguousId: when a shortened id fits several.
    """
    rows = Instance.objects.select_related("workflow").defer("params")
    return _summaries(rows.filter(pk=instance_key(given)))[0]


def instance_summaries(ids: Sequence[str]) -> list[InstanceRowView]:
    """Return the rows of ``list_instances`` for these whole ids, oldest first; some may be gone."""
    rows = Instance.objects.select_related("workflow").defer("params")
    return _summaries(rows.filter(public_id__in=ids).order_by("pk"))


def _summaries(rows: Iterable[Instance]) -> list[InstanceRowView]:
    found = list(rows)
    progress = instance_progress([row.pk for row in found])
    return [
        InstanceRowView(
            id=row.public_id,
            **_workflow_of(row),
            status=row.status,
            progress=progress[row.pk],
            created_at=moment_of(row.created_at),
            started_at=moment(row.started_at),
            finished_at=moment(row.finished_at),
            duration_ms=span_ms(start=row.started_at, end=row.finished_at),
            error_message=row.error_message or None,
        )
        for row in found
    ]


def _needs_by_name(instance: Instance, tasks: Iterable[Task]) -> dict[int, list[str]]:
    name_of = {task.pk: task.name for task in tasks}
    needs: dict[int, list[str]] = defaultdict(list)
    edges = Dependency.objects.filter(task__instance=instance).order_by("id")
    rows = list(edges.values_list("task_id", "needed_id", "is_foreign"))
    name_of |= foreign_names([needed_id for _, needed_id, is_foreign in rows if is_foreign])
    for task_id, needed_id, _ in rows:
        needs[task_id].append(name_of[needed_id])
    return needs


def _workflow_of(instance: Instance) -> dict[str, Any]:
    """Return id and name of its workflow; None for tasks that were created on their own."""
    workflow = instance.workflow
    return {
        "workflow_id": workflow.public_id if workflow is not None else None,
        "workflow_name": workflow.name if workflow is not None else None,
    }


def _parent_of(instance: Instance) -> str | None:
    if instance.parent_task_id is None:
        return None
    found = Instance.objects.filter(tasks=instance.parent_task_id).values_list("public_id", flat=True)
    return found.first()


def _spent(instance: Instance) -> dict[int, dict[str, Any]]:
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
    return {row["task_id"]: {**row} for row in rows}


def _task_status(
    task: Task, *, needs: list[str], spent: Mapping[str, Any], parent: str | None, child_instance: str | None
) -> TaskStatusView:
    micros = spent.get("micros")
    error = None
    if task.error_kind:
        error = TaskErrorView(kind=task.error_kind, message=task.error_message)
    elif task.status == TaskState.SKIPPED:
        error = TaskErrorView(kind="skipped", message=task.reason)
    return TaskStatusView(
        name=task.name,
        status=task.status,
        executor=task.executor,
        needs=needs,
        attempts=task.attempts,
        worker=task.worker or None,
        queued_at=moment(task.published_at),
        started_at=moment(task.started_at),
        finished_at=moment(task.finished_at),
        duration_ms=task.duration_ms,
        waiting=_wait_of(task),
        output=task.output,
        error=error,
        tokens=spent.get("tokens"),
        cost_usd=micros / 1_000_000 if micros is not None else None,
        simulated=bool(spent.get("simulated")),
        parent=parent,
        child_instance=child_instance,
    )


def _wait_of(task: Task) -> WaitView | None:
    """Return what a waiting task waits for, why, and until when; None for a task that does not."""
    if task.status != TaskState.WAITING:
        return None
    return WaitView(kind=task.wait_kind, reason=task.reason, until=moment(task.wake_at))
