"""What the endpoints of workflows show."""

from typing import Annotated, Final

from msgspec import UNSET, Meta, UnsetType, field

from cpds.base.view import JSONObject, Moment, Time, View, known, one_of
from tasks_app.models import WorkflowVersion
from tasks_app.planning.definition.spec import TaskSpec, WorkflowSpec
from tasks_app.services.queries.views.workflows import ChangeView, WorkflowRowView

ENABLED: Final = "ENABLED"
"""Documented clients expect the word; a workflow that is there can be executed."""
Needs = dict[str, list[str]]
"""The names of the tasks that each task needs."""


class WorkflowSummaryView(View):
    """A workflow in a list."""

    id: str
    name: str
    description: str
    project: str
    version: int
    task_count: int
    instances: int
    status: Annotated[str, one_of((ENABLED,))]
    cron_enabled: bool
    created_at: Moment
    cron_expr: str | UnsetType = UNSET


class WorkflowTaskView(View):
    """A task of a definition."""

    id: str
    name: str
    description: str
    priority: int
    run: str | UnsetType = UNSET
    workflow: Annotated[str, Meta(description="in place of run: whose instance it starts")] | UnsetType = (
        UNSET
    )
    dependencies: list[str] | UnsetType = UNSET
    timeout: Annotated[float, Meta(description="seconds")] | UnsetType = UNSET
    retry_count: int | UnsetType = UNSET


class WorkflowDetailView(WorkflowSummaryView):
    """A workflow with the tasks of its newest version."""

    tasks: list[WorkflowTaskView]
    dependencies: Needs
    definition: JSONObject


class VersionView(View):
    """A version of a workflow."""

    version: int
    task_count: int
    digest: str
    created_at: Time


class VersionDetailView(VersionView):
    """A version with its text as it was uploaded, and the definition read from it."""

    workflow_id: str
    source: str
    definition: JSONObject


class DiffView(View):
    """What differs between two versions."""

    from_: int = field(name="from")
    to: int
    changes: list[ChangeView]


class ValidView(View):
    """What a valid definition comes to."""

    name: str
    description: str
    task_count: int
    dependencies: Needs
    definition: JSONObject


class RemovedView(View):
    """What a deletion took away."""

    message: str
    id: str
    name: str
    instances: int


class StartedView(View):
    """An instance that was started."""

    instance_id: str
    message: str


class FiredView(View):
    """What came of a fire by hand."""

    instance_id: str
    outcome: str
    note: str
    fire_at: Time


def summary_view(row: WorkflowRowView, *, project: str) -> WorkflowSummaryView:
    """Return a workflow as documented clients know it."""
    return WorkflowSummaryView(
        id=row.id,
        name=row.name,
        description=row.description,
        project=project,
        version=row.version,
        task_count=row.task_count,
        instances=row.instances,
        status=ENABLED,
        cron_expr=known(row.cron),
        cron_enabled=row.schedule_paused is False,
        created_at=row.created_at,
    )


def version_view(row: WorkflowVersion) -> VersionView:
    """Return what is shown of a version in a list."""
    return VersionView(
        version=row.number, task_count=row.task_count, digest=row.digest, created_at=row.created_at
    )


def needs_of(spec: WorkflowSpec) -> Needs:
    """Return what the tasks of a definition need."""
    return {task.name: list(task.needs) for task in spec.tasks if task.needs}


def workflow_task_view(task: TaskSpec) -> WorkflowTaskView:
    """Return a task of a definition; its id is its name."""
    seconds = task.timeout_seconds
    return WorkflowTaskView(
        id=task.name,
        name=task.name,
        description=task.description,
        priority=task.priority,
        run=task.run or UNSET,
        workflow=UNSET if task.run else known(task.workflow),
        dependencies=list(task.needs) or UNSET,
        timeout=int(seconds) if seconds is not None and seconds == int(seconds) else known(seconds),
        retry_count=UNSET if task.retry is None else task.retry.count,
    )
