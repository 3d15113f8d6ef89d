"""What is answered about instances: by ``manage.py instance ... --json``, and in part by the API."""

from typing import Annotated, Any

from msgspec import UNSET, UnsetType

from cpds.base.view import Count, JSONObject, Moment, Time, View, one_of
from tasks_app.services.queries.views.tasks import HeldTaskView, HoldView, TaskErrorView
from tasks_app.states import InstanceState, TaskState

Status = Annotated[str, one_of(InstanceState)]


class ProgressView(View):
    """How far an instance is; the four counts add up to ``total``."""

    total: Count
    completed: Count
    running: Count
    failed: Count
    pending: Count


class NamedProgressView(ProgressView):
    """The same, with the names of up to 500 tasks that run and of 500 that do not yet."""

    running_task_ids: list[str] | UnsetType = UNSET
    pending_task_ids: list[str] | UnsetType = UNSET


class InstanceRowView(View):
    """An instance in a list of the commands."""

    id: str
    workflow_id: str | None
    workflow_name: str | None
    status: Status
    progress: ProgressView
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    duration_ms: int | None
    error_message: str | None


class WaitView(View):
    """What a waiting task waits for, why, and until when."""

    kind: str
    reason: str
    until: Moment | None


class TaskStatusView(View):
    """A task of an instance, with what came of it and what it used."""

    name: str
    status: Annotated[str, one_of(TaskState)]
    executor: str
    needs: list[str]
    attempts: int
    worker: str | None
    queued_at: Moment | None
    started_at: Moment | None
    finished_at: Moment | None
    duration_ms: int | None
    waiting: WaitView | None
    output: Any
    error: TaskErrorView | None
    tokens: int | None
    cost_usd: float | None
    simulated: bool
    parent: str | None
    child_instance: str | None


class InstanceStatusView(View):
    """An instance with all its tasks."""

    id: str
    workflow_id: str | None
    workflow_name: str | None
    workflow_version: int | None
    status: Status
    params: JSONObject
    progress: ProgressView
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    duration_ms: int | None
    error_message: str | None
    parent_instance: str | None
    tasks: list[TaskStatusView]


class WhyView(View):
    """What holds an instance, and what holds its foremost unfinished tasks. States are the record's own."""

    id: str
    status: Status
    finished_at: Moment | None
    error_message: str | None
    holds: list[HoldView]
    tasks: list[HeldTaskView]


class OverviewInstanceView(View):
    """An instance in the live view."""

    id: str
    workflow_name: str | None
    status: Status
    progress: ProgressView


class OverviewTaskView(View):
    """A running task in the live view."""

    instance_id: str
    name: str
    executor: str
    started_at: Time | None
    worker: str
    progress: float | None
    message: str


class OverviewView(View):
    """Instances, and what of their tasks runs."""

    instances: list[OverviewInstanceView]
    tasks: list[OverviewTaskView]
