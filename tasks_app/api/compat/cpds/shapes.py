"""What ``/api`` without a version shows of tasks: the keys of its older and of its newer clients together."""

from collections.abc import Iterable
from typing import Annotated, Any

from msgspec import Meta

from cpds.base.view import Count, Moment, View, one_of
from tasks_app.api.compat.cpds.words import (
    COMPLETED,
    STATUSES,
    WHOLE,
    WORDS,
    per_cent,
    priority_word,
    status_word,
)
from tasks_app.models import Task
from tasks_app.planning.inputs.secrets import shown_value
from tasks_app.services.control.task_lists import needs_of
from tasks_app.services.queries.values import moment, moment_of

PerCent = Annotated[int, Meta(ge=0, le=WHOLE)]


class CompatTaskView(View):
    """A task. ``result`` and ``output`` are one; ``progress`` is in per cent."""

    task_id: str
    title: str
    description: str
    priority: Annotated[str, one_of(WORDS)]
    status: Annotated[str, one_of(STATUSES)]
    assigned_to: str | None
    progress: PerCent
    result: Any
    output: Any
    error: str | None
    dependencies: list[str]
    tags: list[str]
    deployment_mode: str
    created_by: str
    claude_context: str
    created_at: Moment
    updated_at: Moment
    started_at: Moment | None
    completed_at: Moment | None


class CompatTasksView(View):
    """Tasks; ``count`` and ``total`` say how many there are in this answer."""

    tasks: list[CompatTaskView]
    count: Count
    total: Count


class SaidView(View):
    """It was done."""

    message: str


class TaskSaidView(SaidView):
    """It was done to a task."""

    task_id: str


def compat_tasks(rows: Iterable[Task]) -> CompatTasksView:
    """Return a list of tasks, whose ``instance`` is loaded; what they need costs one statement."""
    tasks = list(rows)
    needs = needs_of([task.pk for task in tasks if task.fan_in])
    shown = [_view(task, needs.get(task.pk, [])) for task in tasks]
    return CompatTasksView(tasks=shown, count=len(shown), total=len(shown))


def compat_task(task: Task) -> CompatTaskView:
    """Return one task, whose ``instance`` is loaded."""
    return _view(task, needs_of([task.pk] if task.fan_in else []).get(task.pk, []))


def _view(task: Task, needs: list[str]) -> CompatTaskView:
    status = status_word(status=task.status, satisfies=task.satisfies)
    output = shown_value(task.output, params=task.instance.params, secrets=task.spec.get("secrets", ()))
    moments = [at for at in (task.created_at, task.started_at, task.finished_at) if at is not None]
    return CompatTaskView(
        task_id=task.address,
        title=task.title or task.name,
        description=task.description,
        priority=priority_word(task.priority),
        status=status,
        assigned_to=task.worker or None,
        progress=WHOLE if status == COMPLETED else per_cent(task.progress),
        result=output,
        output=output,
        error=task.error_message or None,
        dependencies=needs,
        tags=task.tags,
        deployment_mode=task.deployment_mode or "both",
        created_by=task.created_by,
        claude_context=task.claude_context,
        created_at=moment_of(task.created_at),
        updated_at=moment_of(max(moments)),
        started_at=moment(task.started_at),
        completed_at=moment(task.finished_at),
    )
