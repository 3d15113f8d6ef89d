"""What the endpoints of instances show. Times that are not known yet are left out."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType, field
from msgspec.structs import asdict

from cpds.base.durations import format_duration
from cpds.base.view import JSONObject, Moment, Time, View, known, one_of
from tasks_app.api.status_words import STATES, STATUSES, TASK_STATES, TASK_STATUSES, instance_word, task_word
from tasks_app.models import Instance, Task
from tasks_app.planning.inputs.secrets import secret_names, shown_params
from tasks_app.services.queries.graph import Graph, Node
from tasks_app.services.queries.instances import instance_progress
from tasks_app.services.queries.values import moment
from tasks_app.services.queries.views.instances import NamedProgressView, ProgressView

Status = Annotated[str, one_of(STATUSES)]
State = Annotated[str, one_of(STATES)]
TaskStatus = Annotated[str, one_of(TASK_STATUSES)]
TaskStateWord = Annotated[str, one_of(TASK_STATES)]


class InstanceSummaryView(View):
    """An instance in a list. ``status`` is the documented word, ``state`` the record's own."""

    id: str
    workflow_id: str | None
    workflow_name: str | None
    project: str
    status: Status
    state: State
    progress: ProgressView
    created_at: Time
    started_at: Time | None
    finished_at: Time | UnsetType = UNSET
    duration: Annotated[str, Meta(description="2m30s")] | UnsetType = UNSET
    error_message: str | UnsetType = UNSET


class InstanceDetailView(InstanceSummaryView):
    """An instance. Values of secret parameters are hidden."""

    progress: NamedProgressView
    workflow_version: int | None
    params: JSONObject
    is_stopping: bool
    pause_reason: str | UnsetType = UNSET
    paused_until: Time | UnsetType = UNSET
    deadline_at: Time | UnsetType = UNSET


class InstanceTaskView(View):
    """A task of an instance. ``task_id`` is its name, which the workflow gives it."""

    id: str
    task_id: str
    task_name: str
    status: TaskStatus
    state: TaskStateWord
    executor: str
    retry_count: int
    attempts: int
    worker: str | UnsetType = UNSET
    progress: float | UnsetType = UNSET
    message: str | UnsetType = UNSET
    started_at: Time | UnsetType = UNSET
    finished_at: Time | UnsetType = UNSET
    duration: Annotated[str, Meta(description="0m45s")] | UnsetType = UNSET
    error_message: str | UnsetType = UNSET


class NodeView(View):
    """A task in the graph."""

    id: str
    name: str
    executor: str
    level: Annotated[int, Meta(description="tasks before it on the longest way from a start")]
    status: TaskStatus
    state: TaskStateWord
    reason: str | None
    attempts: int
    worker: str | None
    progress: float | None
    progress_message: str | None
    error_kind: str | None
    error_message: str | None
    queued_at: Moment | None
    started_at: Moment | None
    finished_at: Moment | None
    duration_ms: int | None
    items: ProgressView | None
    undoes: Annotated[str | None, Meta(description="the id of the task that it undoes")]


class EdgeView(View):
    """A need in the graph, from the task that is needed."""

    from_: str = field(name="from")
    to: str


class GraphView(View):
    """An instance as a graph."""

    id: str
    status: Status
    state: State
    nodes: list[NodeView]
    edges: list[EdgeView]


def instance_views(rows: Iterable[Instance]) -> list[InstanceSummaryView]:
    """Return instances as they stand in a list, with the progress of all of them in one statement."""
    found = list(rows)
    progress = instance_progress([row.pk for row in found])
    return [summary_view(row, progress=progress[row.pk]) for row in found]


def summary_view(row: Instance, *, progress: ProgressView) -> InstanceSummaryView:
    """Return what is shown of an instance everywhere."""
    workflow = row.workflow
    return InstanceSummaryView(
        id=row.public_id,
        workflow_id=workflow.public_id if workflow is not None else None,
        workflow_name=workflow.name if workflow is not None else None,
        project=row.project.slug,
        status=instance_word(row.status),
        state=row.status,
        progress=progress,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=known(row.finished_at),
        duration=_span(row.started_at, row.finished_at),
        error_message=row.error_message or UNSET,
    )


def detail_view(row: Instance, *, progress: NamedProgressView) -> InstanceDetailView:
    """Return an instance in full; its version is loaded."""
    version = row.version
    secrets = secret_names(version.definition) if version is not None else []
    return InstanceDetailView(
        **asdict(summary_view(row, progress=progress)),
        workflow_version=version.number if version is not None else None,
        params=shown_params(row.params, secrets),
        is_stopping=row.is_stopping,
        pause_reason=row.pause_reason or UNSET,
        paused_until=known(row.paused_until),
        deadline_at=known(row.deadline_at),
    )


def instance_task_view(task: Task) -> InstanceTaskView:
    """Return a task as documented clients know it. Items are told apart by their index."""
    return InstanceTaskView(
        id=str(task.pk),
        task_id=task.name,
        task_name=task.name,
        status=_word(task),
        state=task.status,
        executor=task.executor,
        retry_count=max(0, task.attempts - 1),
        attempts=task.attempts,
        worker=task.worker or UNSET,
        progress=known(task.progress),
        message=task.progress_message or UNSET,
        started_at=known(task.started_at),
        finished_at=known(task.finished_at),
        duration=_span(task.started_at, task.finished_at),
        error_message=task.error_message or UNSET,
    )


def graph_view(instance: Instance, graph: Graph) -> GraphView:
    """Return an instance as a graph."""
    return GraphView(
        id=instance.public_id,
        status=instance_word(instance.status),
        state=instance.status,
        nodes=[_node_view(node) for node in graph.nodes],
        edges=[EdgeView(from_=needed, to=follower) for needed, follower in graph.edges],
    )


def _node_view(node: Node) -> NodeView:
    task = node.task
    return NodeView(
        id=str(task.pk),
        name=task.name,
        executor=task.executor,
        level=node.level,
        status=_word(task),
        state=task.status,
        reason=task.reason or None,
        attempts=task.attempts,
        worker=task.worker or None,
        progress=task.progress,
        progress_message=task.progress_message or None,
        error_kind=task.error_kind or None,
        error_message=task.error_message or None,
        queued_at=moment(task.published_at),
        started_at=moment(task.started_at),
        finished_at=moment(task.finished_at),
        duration_ms=task.duration_ms,
        items=node.items,
        undoes=None if task.compensates_id is None else str(task.compensates_id),
    )


def _word(task: Task) -> str:
    return task_word(task.status, satisfies=task.satisfies, wait_kind=task.wait_kind)


def _span(start: datetime | None, end: datetime | None) -> str | UnsetType:
    return format_duration((end - start).total_seconds()) if start and end else UNSET
