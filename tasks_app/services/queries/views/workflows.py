"""What is answered about workflows and their schedules: by the commands with ``--json``, and by the API."""

from typing import Annotated, Any

from cpds.base.view import JSONObject, Moment, View, one_of
from tasks_app.planning.definition.output.diff import Change
from tasks_app.states import Catchup, Overlap


class WorkflowRowView(View):
    """A workflow in a list of the commands."""

    id: str
    name: str
    description: str
    version: int
    task_count: int
    instances: int
    cron: str | None
    schedule_paused: bool | None
    created_at: Moment


class WorkflowTaskRowView(View):
    """A task of a definition, as the commands print it."""

    name: str
    description: str
    run: str | None
    needs: list[str]
    priority: int
    timeout_seconds: float | None


class VersionRowView(View):
    """A version of a workflow, as the commands print it."""

    version: int
    task_count: int
    created_at: Moment


class WorkflowDocumentView(View):
    """A workflow with its newest definition and its versions, as the commands print it."""

    id: str
    name: str
    description: str
    version: int
    versions: list[VersionRowView]
    created_at: Moment
    definition: JSONObject
    tasks: list[WorkflowTaskRowView]


class ChangeView(View):
    """One difference; what was not there, or had its default, is null."""

    kind: Annotated[str, one_of(("added", "removed", "changed"))]
    path: str
    before: Any
    after: Any


class ScheduleView(View):
    """When a workflow starts by itself."""

    workflow_id: str
    workflow_name: str
    cron: str
    timezone: str
    overlap: Annotated[str, one_of(Overlap)]
    catchup: Annotated[str, one_of(Catchup)]
    params: JSONObject
    paused: bool
    paused_at: Moment | None
    pause_reason: str
    next_fire_at: Moment | None
    last_fired_at: Moment | None
    last_outcome: str | None
    unfinished_instances: int


class FireView(View):
    """A time to come, in UTC and as the clock of its time zone shows it."""

    fire_at: Moment
    local: str


class NextFiresView(View):
    """The next times of a schedule; of a paused one, those it would fire."""

    workflow_id: str
    workflow_name: str
    cron: str
    timezone: str
    paused: bool
    fires: list[FireView]


def change_view(change: Change) -> ChangeView:
    """Return what is shown of a difference."""
    return ChangeView(kind=change.kind, path=change.path, before=change.before, after=change.after)
