"""Offers: which tasks workers that speak HTTP may take, and what they are told of them.

These are the tasks of ``external``, which nobody else performs, and those of the
executors that the settings lend to such workers: of these whoever is first has them,
a worker over HTTP or a message of the broker.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import reduce
from operator import or_
from typing import Any, Final

from django.db.models import BigIntegerField, BooleanField, Count, ExpressionWrapper, Max, Q, Subquery

from cpds.base.conf import conf
from cpds.base.statements import ModelStatement
from tasks_app.models import Project, Task, hot_path
from tasks_app.models.json_lists import has_only
from tasks_app.models.json_texts import has_text
from tasks_app.models.sql import FOLDER
from tasks_app.models.task import TaskQuerySet
from tasks_app.planning.values.stored_spec import CONTINUOUS
from tasks_app.services.http_workers.gates_for_http import judge_gates, judged_executors
from tasks_app.services.lookup.fences import Fence
from tasks_app.services.publishing.capacity import NOTHING_FULL, Full, full_now
from tasks_app.states import TaskState

PAGE: Final = 500
PAGES: Final = 20


def kind_of(task: Task) -> str:
    """Return what kind of work a task is: its ``with.kind``, else its executor."""
    arguments = task.spec.get("with") or {}
    kind = arguments.get("kind")
    return kind if isinstance(kind, str) and kind else task.executor


def is_lent(task: Task) -> bool:
    """Return whether its executor is one that the settings lend. A stream is lent to nobody."""
    return task.executor in conf().http_worker_executors and task.spec.get("mode") != CONTINUOUS


def pending(
    *,
    project: Project,
    capabilities: Collection[str] | None = None,
    kinds: Collection[str] | None = None,
    limit: int = 10,
) -> list[Task]:
    """Return tasks that a worker may take now, most urgent first, then oldest.

    ``capabilities``: only those that a worker of these is able to do (None: all);
    ``kinds``: only those of these kinds (None: of any). When that is not enough, or what
    still stands at a gate is more urgent, gates are judged that no worker inside CPDS is there to judge.
    """
    found = _offered(project, capabilities, kinds, limit)
    is_wanting = len(found) < limit or (bool(found) and _is_gated_first(found[-1]))
    if is_wanting and judge_gates(project):
        found = _offered(project, capabilities, kinds, limit)
    return found


def offers_by_project() -> dict[int, tuple[Any, ...]]:
    """Return, for each project that has offers, what changes when there is a new one; one statement."""
    rows = Task.objects.offered()
    if lent := conf().http_worker_executors:
        rows = rows | Task.objects.lent(lent)
    found = rows.in_running_instance().order_by().values_list("project_id")
    return {key: tuple(mark) for key, *mark in found.annotate(Count("pk"), Max("pk"), Max("ready_at"))}


def task_behind(*, fence: Fence, project_id: int) -> Task | None:
    """Return the task that a fence is about, whoever holds it; None when the project has none of that key."""
    return Task.objects.filter(pk=fence.task_id, project_id=project_id).first()


def facts_of(task: Task) -> Mapping[str, Any]:
    """Return what a worker is told of a task beside its arguments."""
    return {
        "id": task.pk,
        "task_id": task.address,
        "name": task.name,
        "title": task.title,
        "description": task.description,
        "claude_context": task.claude_context,
        "executor": task.executor,
        "requires": list(task.requires),
        "tags": list(task.tags),
        "priority": task.priority,
        "created_by": task.created_by,
        "instance_id": task.instance.public_id,
    }


def _offered(
    project: Project, capabilities: Collection[str] | None, kinds: Collection[str] | None, limit: int
) -> list[Task]:
    """Return what may be taken without judging any gate.

    What would start more of an instance, a workflow or a project than may be at once is
    passed over. The first page is read as it comes: it is enough for most. What does not fit,
    however much of it there is and however old, is then left to the database to pass over.
    """
    able = None if capabilities is None else set(capabilities)

    def fits(task: Task) -> bool:
        return (able is None or able.issuperset(task.requires)) and (kinds is None or kind_of(task) in kinds)

    fitting = _fitting(capabilities, kinds)
    found = _foremost_of(project, limit, fits, fitting, NOTHING_FULL)
    if any(task.is_limited for task in found) and (full := full_now(project=project)):
        found = _foremost_of(project, limit, fits, fitting, full)
    return found


def _is_gated_first(task: Task) -> bool:
    """Return whether a task that still stands at a gate is more urgent than this offered one."""
    at_gate = [key for key in (task.gated_ready, task.gated_out) if key is not None]
    if not at_gate:
        return False
    ranks = Task.objects.filter(pk__in=at_gate).values_list("priority", "pk")
    return any((-priority, pk) < (-task.priority, task.pk) for priority, pk in ranks)


def _foremost_of(
    project: Project, limit: int, fits: Callable[[Task], bool], fitting: Q, full: Full
) -> list[Task]:
    page = (
        []
        if full
        else _FOREMOST.found(project_id=project.pk, judged=hot_path.listed(judged_executors()), most=limit)
    )
    found = [task for task in page if fits(task)]
    if full or len(found) < limit == len(page):
        found = _first(full.passed_over(Task.objects.offered().filter(fitting)), project, limit, fits)
    if conf().http_worker_executors:
        lent = full.passed_over(Task.objects.lent(conf().http_worker_executors).filter(fitting))
        found += _first(lent, project, limit, lambda task: is_lent(task) and fits(task))
        found.sort(key=lambda task: (-task.priority, task.pk))
    return found[:limit]


def _foremost(*, project_id: int, most: int, **_judged: str) -> TaskQuerySet:
    return _in_order(Task.objects.offered(), project_id)[:most]


_FOREMOST: ModelStatement[Task] = ModelStatement(
    "foremost_offers",
    folder=FOLDER,
    model=Task,
    along=("instance",),
    annotations={
        "is_limited": BooleanField(),
        "gated_ready": BigIntegerField(),
        "gated_out": BigIntegerField(),
    },
    otherwise=_foremost,
)
"""The first page of what is offered in a project: for most workers it is enough."""


def _fitting(capabilities: Collection[str] | None, kinds: Collection[str] | None) -> Q:
    """Return which tasks a worker of these capabilities may take, and which are of these kinds."""
    fitting = Q()
    if capabilities is not None:
        fitting &= Q(has_only("requires", capabilities))
    if kinds is not None:
        # Those of ``kind_of``: a kind that is no text, or an empty one, says nothing.
        untold = ~Q(has_text("spec", "with", "kind")) | Q(spec__with__kind="")
        fitting &= Q(spec__with__kind__in=sorted(kinds)) | Q(untold, executor__in=sorted(kinds))
    return fitting


def _in_order(rows: TaskQuerySet, project: Project | int) -> TaskQuerySet:
    """Return the rows as they are offered, each with what else decides whether it is given."""
    limits = ("instance__max_parallel", "instance__workflow__max_running", "project__max_parallel")
    is_limited = reduce(or_, (Q((f"{most}__isnull", False)) for most in limits))
    chosen: TaskQuerySet = (
        rows.in_running_instance()
        .filter(project=project)
        .select_related("instance")
        .annotate(
            is_limited=ExpressionWrapper(is_limited, output_field=BooleanField()),
            gated_ready=_first_gated(project, TaskState.PENDING),
            gated_out=_first_gated(project, TaskState.QUEUED),
        )
    )
    return chosen.order_by("-priority", "id")


def _first_gated(project: Project | int, status: TaskState) -> Subquery:
    gated = Task.objects.at_gate().filter(project=project, status=status, executor__in=judged_executors())
    return Subquery(gated.in_running_instance().order_by("-priority", "id").values("pk")[:1])


def _first(rows: TaskQuerySet, project: Project, limit: int, fits: Callable[[Task], bool]) -> list[Task]:
    found: list[Task] = []
    for page in _pages(_in_order(rows, project), limit):
        found += [task for task in page if fits(task)]
        if len(found) >= limit:
            break
    return found[:limit]


def _pages(rows: TaskQuerySet, limit: int) -> Iterator[list[Task]]:
    """Yield the rows page by page: as many as are asked for, then more at a time."""
    start, size = 0, limit
    for _ in range(PAGES):
        page = list(rows[start : start + size])
        yield page
        if len(page) < size:
            return
        start, size = start + size, PAGE
