"""What the doors of instances show, and its shapes. Times that are not known yet are left out."""

from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

from cpds.base.durations import format_duration
from tasks_app.api.status_words import STATES, STATUSES, TASK_STATES, TASK_STATUSES, instance_word, task_word
from tasks_app.models import Instance, Task
from tasks_app.planning.inputs.secrets import secret_names, shown_params
from tasks_app.services.queries.instances import instance_progress
from tasks_app.services.queries.values import JSONObject


class ProgressShape(serializers.Serializer[Any]):
    """How far an instance is; the four counts add up to ``total``."""

    total = serializers.IntegerField(min_value=0)
    completed = serializers.IntegerField(min_value=0)
    running = serializers.IntegerField(min_value=0)
    failed = serializers.IntegerField(min_value=0)
    pending = serializers.IntegerField(min_value=0)


class NamedProgressShape(ProgressShape):
    """The same, with the names of up to 500 tasks that run and of 500 that do not yet."""

    running_task_ids = serializers.ListField(child=serializers.CharField(), required=False)
    pending_task_ids = serializers.ListField(child=serializers.CharField(), required=False)


class InstanceSummaryShape(serializers.Serializer[Any]):
    """An instance in a list. ``status`` is the documented word, ``state`` the record's own."""

    id = serializers.CharField()
    workflow_id = serializers.CharField(allow_null=True)
    workflow_name = serializers.CharField(allow_null=True)
    project = serializers.CharField()
    status = serializers.ChoiceField(choices=STATUSES)
    state = serializers.ChoiceField(choices=STATES)
    progress = ProgressShape()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(required=False)
    duration = serializers.CharField(required=False, help_text="2m30s")
    error_message = serializers.CharField(required=False)


class InstanceDetailShape(InstanceSummaryShape):
    """An instance. Values of secret parameters are hidden."""

    progress = NamedProgressShape()
    workflow_version = serializers.IntegerField(allow_null=True)
    params = serializers.DictField()
    pause_reason = serializers.CharField(required=False)
    paused_until = serializers.DateTimeField(required=False)
    deadline_at = serializers.DateTimeField(required=False)
    is_stopping = serializers.BooleanField()


class InstanceTaskShape(serializers.Serializer[Any]):
    """A task of an instance. ``task_id`` is its name, which the workflow gives it."""

    id = serializers.CharField()
    task_id = serializers.CharField()
    task_name = serializers.CharField()
    status = serializers.ChoiceField(choices=TASK_STATUSES)
    state = serializers.ChoiceField(choices=TASK_STATES)
    executor = serializers.CharField()
    retry_count = serializers.IntegerField()
    attempts = serializers.IntegerField()
    worker = serializers.CharField(required=False)
    progress = serializers.FloatField(required=False)
    message = serializers.CharField(required=False)
    started_at = serializers.DateTimeField(required=False)
    finished_at = serializers.DateTimeField(required=False)
    duration = serializers.CharField(required=False, help_text="0m45s")
    error_message = serializers.CharField(required=False)


class NodeShape(serializers.Serializer[Any]):
    """A task in the graph."""

    id = serializers.CharField()
    name = serializers.CharField()
    executor = serializers.CharField()
    level = serializers.IntegerField(help_text="tasks before it on the longest way from a start")
    status = serializers.ChoiceField(choices=TASK_STATUSES)
    state = serializers.ChoiceField(choices=TASK_STATES)
    reason = serializers.CharField(allow_null=True)
    attempts = serializers.IntegerField()
    worker = serializers.CharField(allow_null=True)
    progress = serializers.FloatField(allow_null=True)
    progress_message = serializers.CharField(allow_null=True)
    error_kind = serializers.CharField(allow_null=True)
    error_message = serializers.CharField(allow_null=True)
    queued_at = serializers.DateTimeField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    duration_ms = serializers.IntegerField(allow_null=True)
    items = ProgressShape(allow_null=True)
    undoes = serializers.CharField(allow_null=True, help_text="the id of the task that it undoes")


class HoldShape(serializers.Serializer[Any]):
    """What holds something, and until when."""

    kind = serializers.CharField()
    sentence = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)


class HeldTaskShape(serializers.Serializer[Any]):
    """A task and what holds it."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=TASK_STATES)
    finished_at = serializers.DateTimeField(allow_null=True)
    holds = HoldShape(many=True)


class WhyShape(serializers.Serializer[Any]):
    """What holds an instance, and what holds its foremost unfinished tasks. States are the record's own."""

    id = serializers.CharField()
    status = serializers.ChoiceField(choices=STATES)
    finished_at = serializers.DateTimeField(allow_null=True)
    error_message = serializers.CharField(allow_null=True)
    holds = HoldShape(many=True)
    tasks = HeldTaskShape(many=True)


class EventShape(serializers.Serializer[Any]):
    """Something that happened."""

    id = serializers.IntegerField()
    kind = serializers.CharField()
    instance_id = serializers.CharField()
    task = serializers.CharField(allow_null=True)
    attempt = serializers.IntegerField(allow_null=True)
    worker = serializers.CharField(allow_null=True)
    message = serializers.CharField(allow_blank=True)
    data = serializers.DictField()  # type: ignore[assignment]
    happened_at = serializers.DateTimeField()


def instance_views(rows: Iterable[Instance]) -> list[JSONObject]:
    """Return instances as they stand in a list, with the progress of all of them in one statement."""
    found = list(rows)
    progress = instance_progress(keys=[row.pk for row in found])
    return [{**summary_view(row), "progress": progress[row.pk]} for row in found]


def summary_view(row: Instance) -> JSONObject:
    """Return what is shown of an instance everywhere, but for its progress."""
    workflow = row.workflow
    return {
        "id": row.public_id,
        "workflow_id": workflow.public_id if workflow is not None else None,
        "workflow_name": workflow.name if workflow is not None else None,
        "project": row.project.slug,
        "status": instance_word(row.status),
        "state": row.status,
        "created_at": row.created_at,
        "started_at": row.started_at,
        **_known(
            finished_at=row.finished_at,
            duration=_span(row.started_at, row.finished_at),
            error_message=row.error_message or None,
        ),
    }


def detail_view(row: Instance, *, progress: JSONObject) -> JSONObject:
    """Return an instance in full; its version is loaded."""
    version = row.version
    secrets = secret_names(version.definition) if version is not None else []
    return {
        **summary_view(row),
        "progress": progress,
        "workflow_version": version.number if version is not None else None,
        "params": shown_params(row.params, secrets),
        "is_stopping": row.is_stopping,
        **_known(
            pause_reason=row.pause_reason or None,
            paused_until=row.paused_until,
            deadline_at=row.deadline_at,
        ),
    }


def instance_task_view(task: Task) -> JSONObject:
    """Return a task as documented clients know it. Items are told apart by their index."""
    return {
        "id": str(task.pk),
        "task_id": task.name,
        "task_name": task.name,
        "status": task_word(task.status, satisfies=task.satisfies, wait_kind=task.wait_kind),
        "state": task.status,
        "executor": task.executor,
        "retry_count": max(0, task.attempts - 1),
        "attempts": task.attempts,
        **_known(
            worker=task.worker or None,
            progress=task.progress,
            message=task.progress_message or None,
            started_at=task.started_at,
            finished_at=task.finished_at,
            duration=_span(task.started_at, task.finished_at),
            error_message=task.error_message or None,
        ),
    }


def node_view(node: JSONObject) -> JSONObject:
    """Return a node of the graph with its status word."""
    satisfies, wait_kind = node.pop("satisfies"), node.pop("wait_kind")
    word = task_word(node["state"], satisfies=satisfies, wait_kind=wait_kind or "")
    return {**node, "status": word}


def _known(**facts: Any) -> JSONObject:
    return {name: value for name, value in facts.items() if value is not None}


def _span(start: Any, end: Any) -> str | None:
    return format_duration((end - start).total_seconds()) if start and end else None
