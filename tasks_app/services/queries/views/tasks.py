"""What is answered about tasks: by ``/api/v1/tasks``, and by ``manage.py task ... --json``."""

from typing import Annotated, Any

from msgspec import Meta

from cpds.base.view import Count, Moment, View, one_of
from tasks_app.states import RecordState, TaskState

Status = Annotated[str, one_of(TaskState)]


class TaskView(View):
    """A task. ``task_id`` is the id its creator gave it, null for a task of a workflow."""

    id: int
    task_id: str | None
    name: str
    title: str | None
    instance_id: str
    project: str
    status: Status
    executor: str
    priority: Annotated[int, Meta(ge=0, le=9)]
    tags: list[str]
    created_by: str | None
    worker: str | None
    attempts: Count
    progress: float | None
    progress_message: str | None
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None


class TaskErrorView(View):
    """Why a task failed."""

    kind: str
    message: str


class TaskDetailView(TaskView):
    """Everything about a task."""

    description: str
    needs: list[str]
    requires: list[str]
    deployment_mode: str | None
    claude_context: str | None
    reason: str | None
    output: Any
    error: TaskErrorView | None


class HoldView(View):
    """What holds something, and until when."""

    kind: str
    sentence: str
    since: Moment | None
    until: Moment | None


class HeldTaskView(View):
    """A task and what holds it."""

    id: int
    name: str
    status: Status
    finished_at: Moment | None
    holds: list[HoldView]


class TaskWhyView(View):
    """Where a task stands and what holds it."""

    instance_id: str
    id: int
    name: str
    status: Status
    finished_at: Moment | None
    holds: list[HoldView]


class AttemptErrorView(TaskErrorView):
    """Why an attempt failed."""

    detail: Any


class RecordView(View):
    """One attempt."""

    attempt: int
    status: Annotated[str, one_of(RecordState)]
    worker: str
    executor: str
    model: str | None
    started_at: Moment | None
    finished_at: Moment | None
    duration_ms: int | None
    error: AttemptErrorView | None
    tokens: int | None
    cost_usd: float | None
    simulated: bool


class RecordsView(View):
    """A page of a task's attempts, oldest first."""

    instance_id: str
    id: int
    name: str
    status: Status
    total: Count
    records: list[RecordView]
    has_more: bool
