"""What ``/api`` without a version shows of tasks: the keys of its older and of its newer clients together."""

from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

from tasks_app.api.compat.cpds.words import (
    COMPLETED,
    STATUSES,
    WHOLE,
    WORDS,
    per_cent,
    priority_word,
    status_word,
    when,
)
from tasks_app.models import Task
from tasks_app.planning.inputs.secrets import shown_value
from tasks_app.services.control.task_lists import needs_of


class ClassicTaskShape(serializers.Serializer[Any]):
    """A task. ``result`` and ``output`` are one; ``progress`` is in per cent."""

    task_id = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    priority = serializers.ChoiceField(choices=WORDS)
    status = serializers.ChoiceField(choices=STATUSES)
    assigned_to = serializers.CharField(allow_null=True)
    progress = serializers.IntegerField(min_value=0, max_value=WHOLE)
    result = serializers.JSONField(allow_null=True)
    output = serializers.JSONField(allow_null=True)
    error = serializers.CharField(allow_null=True)
    dependencies = serializers.ListField(child=serializers.CharField())
    tags = serializers.ListField(child=serializers.CharField())
    deployment_mode = serializers.CharField()
    created_by = serializers.CharField(allow_blank=True)
    claude_context = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)


class ClassicTasksShape(serializers.Serializer[Any]):
    """Tasks; ``count`` and ``total`` say how many there are in this answer."""

    tasks = ClassicTaskShape(many=True)
    count = serializers.IntegerField(min_value=0)
    total = serializers.IntegerField(min_value=0)


class SaidShape(serializers.Serializer[Any]):
    """It was done."""

    message = serializers.CharField()


class TaskSaidShape(SaidShape):
    """It was done to a task."""

    task_id = serializers.CharField()


def classic_tasks(rows: Iterable[Task]) -> dict[str, Any]:
    """Return a list of tasks, whose ``instance`` is loaded; what they need costs one statement."""
    tasks = list(rows)
    needs = needs_of(keys=[task.pk for task in tasks if task.fan_in])
    shown = [_view(task, needs.get(task.pk, [])) for task in tasks]
    return {"tasks": shown, "count": len(shown), "total": len(shown)}


def classic_task(task: Task) -> dict[str, Any]:
    """Return one task, whose ``instance`` is loaded."""
    return _view(task, needs_of(keys=[task.pk] if task.fan_in else []).get(task.pk, []))


def _view(task: Task, needs: list[str]) -> dict[str, Any]:
    status = status_word(status=task.status, satisfies=task.satisfies)
    output = shown_value(task.output, params=task.instance.params, secrets=task.spec.get("secrets", ()))
    moments = [at for at in (task.created_at, task.started_at, task.finished_at) if at is not None]
    return {
        "task_id": task.address,
        "title": task.title or task.name,
        "description": task.description,
        "priority": priority_word(task.priority),
        "status": status,
        "assigned_to": task.worker or None,
        "progress": WHOLE if status == COMPLETED else per_cent(task.progress),
        "result": output,
        "output": output,
        "error": task.error_message or None,
        "dependencies": needs,
        "tags": task.tags,
        "deployment_mode": task.deployment_mode or "both",
        "created_by": task.created_by,
        "claude_context": task.claude_context,
        "created_at": when(task.created_at),
        "updated_at": when(max(moments)),
        "started_at": when(task.started_at),
        "completed_at": when(task.finished_at),
    }
