"""Which tasks there are, as rows: what lists, counts and bulk acts begin with."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, Q, QuerySet

from tasks_app.models import Dependency, Task
from tasks_app.models.json_lists import has_member
from tasks_app.services.lookup.by_name import find_instance
from tasks_app.states import TaskState

ENDED_WITHOUT: Final = (TaskState.FAILED, TaskState.CANCELLED, TaskState.SKIPPED)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which tasks; what is None or empty holds nothing back."""

    status: Collection[str] = ()
    executor: str | None = None
    worker: str | None = None
    tag: str | None = None
    created_by: str | None = None
    priority: int | None = None
    instance: str | None = None
    """The id of their instance."""
    created_after: datetime | None = None
    created_before: datetime | None = None
    search: str = ""
    """In ids, names and titles."""
    only_loose: bool = False
    """Those that were created on their own."""


def wanted_tasks(*, wanted: Wanted, projects: Collection[int] | None) -> "QuerySet[Task]":
    """Return the tasks of these projects (None: of all) that are wanted, unordered.

    :raises NotFound: when the instance named is not there.
    """
    rows: QuerySet[Task] = in_projects(projects)
    plain = {
        "executor": wanted.executor,
        "worker": wanted.worker,
        "created_by": wanted.created_by,
        "priority": wanted.priority,
        "created_at__gte": wanted.created_after,
        "created_at__lt": wanted.created_before,
    }
    rows = rows.filter(**{name: value for name, value in plain.items() if value is not None})
    if wanted.status:
        rows = rows.filter(status__in=sorted(wanted.status))
    if wanted.instance is not None:
        rows = rows.filter(instance=find_instance(given=wanted.instance, projects=projects))
    if wanted.tag is not None:
        rows = rows.filter(has_member("tags", wanted.tag))
    if wanted.search:
        rows = rows.filter(Q(name__icontains=wanted.search) | Q(title__icontains=wanted.search))
    if wanted.only_loose:
        rows = rows.filter(task_id__isnull=False)
    return rows


def in_projects(projects: Collection[int] | None) -> "QuerySet[Task]":
    """Return the tasks of these projects (None: of all)."""
    rows: QuerySet[Task] = Task.objects.all()
    return rows if projects is None else rows.filter(project__in=sorted(projects))


def running_tasks(projects: Collection[int] | None) -> "QuerySet[Task]":
    """Return the tasks at which somebody works, those first that began first."""
    rows = in_projects(projects).filter(status=TaskState.RUNNING).select_related("instance")
    return rows.order_by("started_at", "pk")


def completed_tasks(projects: Collection[int] | None) -> "QuerySet[Task]":
    """Return the tasks that were completed, the newest first."""
    rows = in_projects(projects).filter(status=TaskState.COMPLETED).select_related("instance")
    return rows.order_by("-finished_at", "-pk")


def needs_of(keys: Collection[int]) -> dict[int, list[str]]:
    """Return what these tasks need, by their keys: ids where there are any, else numbers, in order."""
    found: dict[int, list[str]] = defaultdict(list)
    if not keys:
        return found
    edges = Dependency.objects.filter(task__in=sorted(keys)).order_by("pk")
    for key, task_id, needed in edges.values_list("task_id", "needed__task_id", "needed_id"):
        found[key].append(task_id if task_id is not None else str(needed))
    return found


def counts_by_state(projects: Collection[int] | None) -> dict[str, int]:
    """Return how many tasks stand in each state; one that was skipped as not needed counts as completed."""
    counts: dict[str, int] = defaultdict(int)
    states = in_projects(projects).values_list("status", "satisfies")
    rows = states.annotate(number=Count("pk")).order_by()
    for status, satisfies, number in rows:
        is_done = status == TaskState.SKIPPED and satisfies
        counts[TaskState.COMPLETED if is_done else status] += number
    return counts
