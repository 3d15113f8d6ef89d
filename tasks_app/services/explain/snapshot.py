"""Everything around some tasks that may hold them, read in a fixed number of statements."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, Max, Q

from cpds.base import clock
from tasks_app.models import Dependency, Event, ExecutionRecord, Instance, Project, Task, Workflow
from tasks_app.planning.definition.spec import WorkflowSpec
from tasks_app.services.http_workers.offers import is_lent
from tasks_app.services.lookup.http_workers import Abilities, abilities_of_http_workers
from tasks_app.services.progress.foreign import foreign_names
from tasks_app.services.publishing import window
from tasks_app.services.publishing.limits import Out, read_out
from tasks_app.services.publishing.window import Snapshot
from tasks_app.states import EXTERNAL, TASK_FINAL, InstanceState, TaskState, WaitKind

READ_BACKLOG: Final = 1_000
"""A place in the backlog beyond this is told as "more than"."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """A task that another one needs."""

    name: str
    status: str
    satisfies: bool | None
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Said:
    """The newest event of a kind: when, by whom, and what was said."""

    at: datetime
    by: str
    message: str


@dataclass(frozen=True, kw_only=True)
class WaitSnapshot:
    """What surrounds tasks. Mappings are by key of the task, or of the instance where that is said."""

    look: Snapshot
    needs: dict[int, list[Need]]
    waiting_since: dict[int, datetime]
    items: dict[int, tuple[int, int]]
    """Of a list that waits: how many of its items are over, and how many there are."""
    places: dict[int, int]
    """How many tasks of its project and requirement set come before it, of those that are among the first
    ``READ_BACKLOG`` of all in question."""
    out: list[Out]
    """What is out, when some of the tasks are ready."""
    most_of_project: dict[int, int | None]
    """By project: how many of its tasks may be out."""
    most_of_workflow: dict[int, int | None]
    """By workflow: how many tasks of its instances may be out."""
    said: dict[tuple[int, str], Said]
    """By instance and kind of event."""
    stopping: dict[int, datetime]
    """By instance being undone: until when attempts that were told to stop may still run."""
    beside: dict[int, int]
    """By instance that is pending: how many instances of its workflow run."""
    most: dict[int, int | None]
    """By instance that is pending: how many instances of its workflow may run."""
    http_workers: Abilities
    """By project with tasks that workers that speak HTTP may take: what each of them can do."""


def read_snapshot(*, tasks: Sequence[Task], instances: Sequence[Instance] = ()) -> WaitSnapshot:
    """Return what surrounds these tasks, each read with its instance, and these instances."""
    owners = {each.pk: each for each in instances} | {task.instance_id: task.instance for task in tasks}
    pending = [each for each in owners.values() if each.status == InstanceState.PENDING]
    ready = [task for task in tasks if task.status == TaskState.PENDING and task.ready_at is not None]
    return WaitSnapshot(
        look=window.take_snapshot(),
        needs=_needs([task.pk for task in tasks if task.status == TaskState.PENDING]),
        waiting_since=_newest([task.pk for task in tasks if task.status == TaskState.WAITING]),
        items=_items([task.pk for task in tasks if task.wait_kind == WaitKind.ITEMS]),
        places=_places(ready),
        out=read_out() if ready else [],
        most_of_project=_most_of(Project, "max_parallel", {task.project_id for task in ready}),
        most_of_workflow=_most_of(
            Workflow, "max_running", {task.instance.workflow_id or 0 for task in ready}
        ),
        said=_said(owners),
        stopping=_stopping(owners),
        beside=_beside(pending),
        most={each.pk: _most(each) for each in pending},
        http_workers=abilities_of_http_workers(
            {task.project_id for task in tasks if task.executor == EXTERNAL or is_lent(task)}
        ),
    )


def _needs(keys: Sequence[int]) -> dict[int, list[Need]]:
    found: dict[int, list[Need]] = defaultdict(list)
    edges = list(
        Dependency.objects.filter(task_id__in=keys)
        .filter(Q(needed__satisfies__isnull=True) | Q(needed__satisfies=False) | ~Q(task__join="all"))
        .order_by("needed__position", "needed_id")
        .values_list(
            "task_id",
            "needed_id",
            "needed__name",
            "needed__status",
            "needed__satisfies",
            "needed__created_at",
            "is_foreign",
        )
    )
    names = foreign_names([needed_id for _, needed_id, *_, is_foreign in edges if is_foreign])
    for task_id, needed_id, name, status, satisfies, since, _ in edges:
        found[task_id].append(
            Need(name=names.get(needed_id, name), status=status, satisfies=satisfies, since=since)
        )
    return found


def _newest(keys: Sequence[int]) -> dict[int, datetime]:
    if not keys:
        return {}
    rows = Event.objects.filter(task_id__in=keys, kind="task.waiting").values_list("task_id")
    return dict(rows.annotate(Max("happened_at")).order_by())


def _items(keys: Sequence[int]) -> dict[int, tuple[int, int]]:
    if not keys:
        return {}
    counts = {"over": Count("pk", filter=Q(status__in=sorted(TASK_FINAL))), "total": Count("pk")}
    rows = Task.objects.filter(parent_id__in=keys).order_by().values("parent_id").annotate(**counts)
    return {row["parent_id"]: (row["over"], row["total"]) for row in rows}


def _places(ready: Sequence[Task]) -> dict[int, int]:
    if not ready:
        return {}
    alike = Task.objects.backlog().filter(
        project_id__in={task.project_id for task in ready},
        requirement__in={task.requirement for task in ready},
    )
    rows = alike.in_dispatch_order().values_list("pk", "requirement", "project_id")[: READ_BACKLOG + 1]
    before: dict[tuple[str, int], int] = defaultdict(int)
    places = {}
    for pk, requirement, project in rows:
        places[pk] = before[requirement, project]
        before[requirement, project] += 1
    return places


def _most_of(
    model: type[Project] | type[Workflow], column: str, keys: Collection[int]
) -> dict[int, int | None]:
    return dict(model.objects.filter(pk__in=keys).values_list("pk", column)) if keys else {}


def _stopping(instances: dict[int, Instance]) -> dict[int, datetime]:
    keys = [key for key, each in instances.items() if each.status == InstanceState.COMPENSATING]
    if not keys:
        return {}
    told = ExecutionRecord.objects.filter(
        task__instance_id__in=keys, revoked_until__gt=clock.database_now()
    ).values_list("task__instance_id")
    return dict(told.annotate(Max("revoked_until")).order_by())


def _said(instances: dict[int, Instance]) -> dict[tuple[int, str], Said]:
    kinds = {
        "instance.paused": [key for key, each in instances.items() if each.status == InstanceState.PAUSED],
        "instance.stopping": [key for key, each in instances.items() if each.is_stopping],
        "instance.compensating": [
            key for key, each in instances.items() if each.status == InstanceState.COMPENSATING
        ],
    }
    newest = [
        pk
        for kind, keys in kinds.items()
        if keys
        for pk in Event.objects.filter(instance_id__in=keys, kind=kind)
        .values_list("instance_id")
        .annotate(newest=Max("pk"))
        .order_by()
        .values_list("newest", flat=True)
    ]
    return {
        (event.instance_id, event.kind): Said(
            at=event.happened_at, by=str(event.data.get("by", "")), message=event.message
        )
        for event in (Event.objects.filter(pk__in=newest) if newest else ())
        if event.instance_id is not None
    }


def _beside(pending: Sequence[Instance]) -> dict[int, int]:
    if not pending:
        return {}
    runs = (InstanceState.RUNNING, InstanceState.PAUSED, InstanceState.COMPENSATING)
    rows = Instance.objects.filter(
        workflow_id__in={each.workflow_id for each in pending}, status__in=runs
    ).values_list("workflow_id")
    counts = dict(rows.annotate(Count("pk")).order_by())
    return {each.pk: counts.get(each.workflow_id, 0) for each in pending}


def _most(instance: Instance) -> int | None:
    if instance.version is None:
        return None
    return WorkflowSpec.from_json(instance.version.definition).max_instances
