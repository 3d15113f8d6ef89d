"""Workflows: one in full, and the list of them."""

from collections.abc import Iterable

from django.db.models import Count, F

from tasks_app.models import Instance, Schedule, Workflow, WorkflowVersion
from tasks_app.planning.definition.spec import WorkflowSpec
from tasks_app.services.lookup.by_name import find_workflow
from tasks_app.services.queries.values import moment_of
from tasks_app.services.queries.views.workflows import (
    VersionRowView,
    WorkflowDocumentView,
    WorkflowRowView,
    WorkflowTaskRowView,
)
from tasks_app.services.workflows.definitions import latest_version


def list_workflows() -> list[WorkflowRowView]:
    """Return every workflow, newest first."""
    return workflow_summaries(Workflow.objects.order_by("-id"))


def workflow_summary(given: str) -> WorkflowRowView:
    """Return one row of ``list_workflows``.

    :raises NotFound: when there is no such workflow.
    :raises AmbiguousId: when a shortened id fits several.
    """
    return workflow_summaries([find_workflow(given=given)])[0]


def workflow_summaries(rows: Iterable[Workflow]) -> list[WorkflowRowView]:
    """Return a row of ``list_workflows`` for each of these, in three statements however many there are."""
    found = list(rows)
    keys = [row.pk for row in found]
    newest = WorkflowVersion.objects.filter(number=F("workflow__latest"), workflow__in=keys)
    sizes = dict(newest.values_list("workflow_id", "task_count"))
    counts = dict(
        Instance.objects.filter(workflow__in=keys).values_list("workflow_id").annotate(Count("pk")).order_by()
    )
    schedules = {
        key: (cron, paused)
        for key, cron, paused in Schedule.objects.filter(workflow__in=keys).values_list(
            "workflow_id", "cron", "paused"
        )
    }
    return [
        WorkflowRowView(
            id=row.public_id,
            name=row.name,
            description=row.description,
            version=row.latest,
            task_count=sizes.get(row.pk, 0),
            instances=counts.get(row.pk, 0),
            cron=schedules[row.pk][0] if row.pk in schedules else None,
            schedule_paused=schedules[row.pk][1] if row.pk in schedules else None,
            created_at=moment_of(row.created_at),
        )
        for row in found
    ]


def workflow_detail(given: str) -> WorkflowDocumentView:
    """Return a workflow with its newest definition.

    :raises NotFound: when there is no such workflow.
    """
    workflow = find_workflow(given=given)
    version = latest_version(workflow)
    spec = WorkflowSpec.from_json(version.definition)
    return WorkflowDocumentView(
        id=workflow.public_id,
        name=workflow.name,
        description=workflow.description,
        version=version.number,
        versions=[
            VersionRowView(version=number, task_count=count, created_at=moment_of(created_at))
            for number, count, created_at in workflow.versions.order_by("number").values_list(
                "number", "task_count", "created_at"
            )
        ],
        created_at=moment_of(workflow.created_at),
        definition=version.definition,
        tasks=[
            WorkflowTaskRowView(
                name=task.name,
                description=task.description,
                run=task.run,
                needs=list(task.needs),
                priority=task.priority,
                timeout_seconds=task.timeout_seconds,
            )
            for task in spec.tasks
        ],
    )
