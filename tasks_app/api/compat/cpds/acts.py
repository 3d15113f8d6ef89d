"""What ``/api`` without a version does with tasks: the acts of ``external``, in the words of its clients."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from tasks_app.errors import NotFound, NotOffered, TaskNotFound, TaskNotPending
from tasks_app.models import Task
from tasks_app.outcomes import JSON
from tasks_app.services.http_workers import external
from tasks_app.services.lookup.by_name import find_task
from tasks_app.states import EXTERNAL, TaskState

NOT_FOUND: Final = "Task not found"
NOT_PENDING: Final = "Task not found or not pending"
"""Word for word what the documents of these clients say."""
WHOLE: Final = 100
UNNAMED: Final = "unnamed"
"""Who holds a task that somebody reports on who neither took it nor says who they are."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What a worker says at the end. A task with an ``error`` failed, and so did one that ``failed``."""

    output: JSON = None
    error: str | None = None
    failed: bool = False

    @property
    def is_failure(self) -> bool:
        """Whether it came to nothing."""
        return self.failed or self.error is not None


def known_task(*, given: str, projects: Collection[int] | None) -> Task:
    """Return a task of these projects (None: of all) by its id or number.

    :raises TaskNotFound: when there is none.
    """
    try:
        return find_task(given=given, projects=projects)
    except NotFound:
        raise TaskNotFound(told=NOT_FOUND) from None


def assign_task(
    *,
    given: str,
    worker: str,
    capabilities: Collection[str],
    lease_seconds: float,
    projects: Collection[int] | None,
) -> Task:
    """Give a pending task to a worker that is able to do it, for so many seconds unless it is heard of.

    :raises TaskNotPending: when there is no such task, or it is not to be had.
    """
    try:
        task = find_task(given=given, projects=projects)
        if not set(task.requires) <= set(capabilities):
            raise TaskNotPending(told=NOT_PENDING)
        external.assign(task=task, worker=worker, lease_seconds=lease_seconds)
    except (NotFound, NotOffered):
        raise TaskNotPending(told=NOT_PENDING) from None
    return task


def report_per_cent(*, task: Task, per_cent: float, message: str = "", worker: str | None = None) -> None:
    """Note how far a task is, 0 to 100. Without ``worker``: for whoever holds it, or takes it by that.

    :raises NotHeld: when it does not run, or not for this worker.
    """
    if worker is None:
        _take_if_pending(task)
    fraction = min(max(per_cent / WHOLE, 0.0), 1.0)
    external.progress(task=task, fraction=fraction, message=message, worker=worker)


def end_task(*, task: Task, ended: Ended, worker: str | None = None) -> None:
    """Complete or fail a task. Without ``worker``: for whoever holds it, or takes it by that.

    :raises NotHeld: when it does not run, or not for this worker.
    """
    if worker is None:
        _take_if_pending(task)
    if ended.is_failure:
        detail = {} if ended.output is None else {"output": ended.output}
        external.fail(task=task, message=ended.error or "failed", detail=detail, worker=worker)
    else:
        external.complete(task=task, output=ended.output, worker=worker)


def is_offered(*, task: Task) -> bool:
    """Return whether a task waits for workers that speak HTTP, and for nobody else."""
    return task.status == TaskState.PENDING and task.executor == EXTERNAL


def _take_if_pending(task: Task) -> None:
    """Assign a task that somebody reports on who neither took it nor says who they are."""
    if not is_offered(task=task):
        return
    try:
        external.assign(task=task, worker=UNNAMED)
    except NotOffered:
        return  # somebody else has it, or it waits: what is reported is refused for what it is
