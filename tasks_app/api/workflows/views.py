"""What the doors of workflows show, and its shapes."""

from typing import Any, Final

from rest_framework import serializers

from tasks_app.models import WorkflowVersion
from tasks_app.planning.definition.spec import TaskSpec, WorkflowSpec
from tasks_app.services.queries.values import JSONObject

ENABLED: Final = "ENABLED"
"""Documented clients expect the word; a workflow that is there can be executed."""
OVERLAPS: Final = ("skip", "queue", "cancel_running", "allow")
CATCHUPS: Final = ("none", "latest", "all")


class WorkflowSummaryShape(serializers.Serializer[Any]):
    """A workflow in a list."""

    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    project = serializers.CharField()
    version = serializers.IntegerField()
    task_count = serializers.IntegerField()
    instances = serializers.IntegerField()
    status = serializers.ChoiceField(choices=[ENABLED])
    cron_expr = serializers.CharField(required=False)
    cron_enabled = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class WorkflowTaskShape(serializers.Serializer[Any]):
    """A task of a definition."""

    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    run = serializers.CharField(required=False)
    workflow = serializers.CharField(required=False, help_text="in place of run: whose instance it starts")
    priority = serializers.IntegerField()
    dependencies = serializers.ListField(child=serializers.CharField(), required=False)
    timeout = serializers.FloatField(required=False, help_text="seconds")
    retry_count = serializers.IntegerField(required=False)


class WorkflowDetailShape(WorkflowSummaryShape):
    """A workflow with the tasks of its newest version."""

    tasks = WorkflowTaskShape(many=True)
    dependencies = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    definition = serializers.DictField()


class VersionShape(serializers.Serializer[Any]):
    """A version of a workflow."""

    version = serializers.IntegerField()
    task_count = serializers.IntegerField()
    digest = serializers.CharField()
    created_at = serializers.DateTimeField()


class VersionDetailShape(VersionShape):
    """A version with its text as it was uploaded, and the definition read from it."""

    workflow_id = serializers.CharField()
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    definition = serializers.DictField()


class ChangeShape(serializers.Serializer[Any]):
    """One difference; what was not there, or had its default, is null."""

    kind = serializers.ChoiceField(choices=["added", "removed", "changed"])
    path = serializers.CharField(allow_blank=True)
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


def diff_fields() -> dict[str, Any]:
    """Return the fields of ``DiffShape``; one of them has a name that Python keeps for itself."""
    return {
        "from": serializers.IntegerField(),
        "to": serializers.IntegerField(),
        "changes": ChangeShape(many=True),
    }


class ValidShape(serializers.Serializer[Any]):
    """What a valid definition comes to."""

    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    task_count = serializers.IntegerField()
    dependencies = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    definition = serializers.DictField()


class RemovedShape(serializers.Serializer[Any]):
    """What a deletion took away."""

    message = serializers.CharField()
    id = serializers.CharField()
    name = serializers.CharField()
    instances = serializers.IntegerField()


class StartedShape(serializers.Serializer[Any]):
    """An instance that was started."""

    instance_id = serializers.CharField()
    message = serializers.CharField()


class ScheduleShape(serializers.Serializer[Any]):
    """When a workflow starts by itself."""

    workflow_id = serializers.CharField()
    workflow_name = serializers.CharField()
    cron = serializers.CharField()
    timezone = serializers.CharField()
    overlap = serializers.ChoiceField(choices=OVERLAPS)
    catchup = serializers.ChoiceField(choices=CATCHUPS)
    params = serializers.DictField()
    paused = serializers.BooleanField()
    paused_at = serializers.DateTimeField(allow_null=True)
    pause_reason = serializers.CharField(allow_blank=True)
    next_fire_at = serializers.DateTimeField(allow_null=True)
    last_fired_at = serializers.DateTimeField(allow_null=True)
    last_outcome = serializers.CharField(allow_null=True)
    unfinished_instances = serializers.IntegerField()


class FireShape(serializers.Serializer[Any]):
    """A time to come, in UTC and as the clock of its time zone shows it."""

    fire_at = serializers.DateTimeField()
    local = serializers.CharField()


class NextFiresShape(serializers.Serializer[Any]):
    """The next times of a schedule; of a paused one, those it would fire."""

    workflow_id = serializers.CharField()
    workflow_name = serializers.CharField()
    cron = serializers.CharField()
    timezone = serializers.CharField()
    paused = serializers.BooleanField()
    fires = FireShape(many=True)


class FiredShape(serializers.Serializer[Any]):
    """What came of a fire by hand."""

    instance_id = serializers.CharField()
    outcome = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    fire_at = serializers.DateTimeField()


def summary_view(row: JSONObject, *, project: str) -> JSONObject:
    """Return a workflow as documented clients know it; ``cron_expr`` is left out where there is none."""
    shown = {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "project": project,
        "version": row["version"],
        "task_count": row["task_count"],
        "instances": row["instances"],
        "status": ENABLED,
        "cron_enabled": row["schedule_paused"] is False,
        "created_at": row["created_at"],
    }
    return shown if row["cron"] is None else {**shown, "cron_expr": row["cron"]}


def version_view(row: WorkflowVersion) -> JSONObject:
    """Return what is shown of a version in a list."""
    return {
        "version": row.number,
        "task_count": row.task_count,
        "digest": row.digest,
        "created_at": row.created_at,
    }


def task_views(spec: WorkflowSpec) -> JSONObject:
    """Return ``tasks`` and ``dependencies`` of a definition; a task's id is its name."""
    return {
        "tasks": [_task_view(task) for task in spec.tasks],
        "dependencies": {task.name: list(task.needs) for task in spec.tasks if task.needs},
    }


def _task_view(task: TaskSpec) -> JSONObject:
    shown: JSONObject = {
        "id": task.name,
        "name": task.name,
        "description": task.description,
        "priority": task.priority,
        **({"run": task.run} if task.run else {"workflow": task.workflow}),
    }
    if task.needs:
        shown["dependencies"] = list(task.needs)
    if task.timeout_seconds is not None:
        seconds = task.timeout_seconds
        shown["timeout"] = int(seconds) if seconds == int(seconds) else seconds
    if task.retry is not None:
        shown["retry_count"] = task.retry.count
    return shown
