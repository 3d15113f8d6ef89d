"""What tasks want of workers that take them from the broker: what is ready, what runs, and what limits it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Case, Count, F, When

from cpds.base.conf import conf
from tasks_app.models import Task
from tasks_app.models.task import TaskQuerySet
from tasks_app.planning.engine.scaling import Demand
from tasks_app.services.lookup.durations import recent_seconds
from tasks_app.services.lookup.fleet import connected_fleet
from tasks_app.services.lookup.requirements import capabilities_of
from tasks_app.states import EXTERNAL, TaskState

Row = tuple[Any, ...]
_KEYS = (
    "requirement",
    "project_id",
    "project__max_parallel",
    "instance__workflow_id",
    "instance__workflow__max_running",
    "limited_instance",
    "instance__max_parallel",
)


@dataclass(frozen=True, kw_only=True)
class Group:
    """Tasks that are held back by the same, and where they belong."""

    project: int
    demand: Demand


def read_demand() -> tuple[list[Group], dict[str, int]]:
    """Return the demand, and how many more tasks each limit lets run.

    Not among it: what has to wait for something else first, what is paused, and what
    is for workers that speak HTTP. What runs on a worker that is leaving counts in the
    limits, and wants no slot.
    """
    groups: dict[Row, Group] = {}
    places: dict[str, int] = {}
    seconds = recent_seconds()
    going_on = {live_worker.holder for live_worker in connected_fleet().live_workers()}

    def note(row: Row, *, ready: int = 0, running: int = 0) -> None:
        if row not in groups:
            limits = _limits_of(row)
            for name, most in limits.items():
                places.setdefault(name, most)
            requirement, project, *_ = row
            demand = Demand(
                requirement=requirement, seconds=seconds.get(requirement), limits=frozenset(limits)
            )
            groups[row] = Group(project=project, demand=demand)
        found = groups[row].demand
        more = replace(found, ready=found.ready + ready, running=found.running + running)
        groups[row] = replace(groups[row], demand=more)

    for rows in _ready():
        for *row, count in rows:
            note(tuple(row), ready=count)
    for *row, worker, takes_slot, count in _running():
        note(tuple(row), running=count if takes_slot and worker in going_on else 0)
        for name in _limits_of(tuple(row)):
            places[name] -= count
    return list(groups.values()), places


def _ready() -> Iterable[Iterable[Row]]:
    queued: TaskQuerySet = Task.objects.filter(status=TaskState.QUEUED)
    for tasks in (Task.objects.backlog(), queued, Task.objects.planned().satisfied()):
        yield _keyed(tasks.in_running_instance()).values_list(*_KEYS).annotate(Count("pk")).order_by()


def _running() -> Iterable[Row]:
    takes_slot = Case(When(executor=EXTERNAL, then=0), When(lease_expires_at__isnull=True, then=0), default=1)
    running = _keyed(Task.objects.filter(status=TaskState.RUNNING)).annotate(takes_slot=takes_slot)
    yield from running.values_list(*_KEYS, "worker", "takes_slot").annotate(Count("pk")).order_by()


def _keyed(tasks: TaskQuerySet) -> TaskQuerySet:
    """Tell apart only the instances that have a limit of their own."""
    own = Case(When(instance__max_parallel__isnull=False, then=F("instance_id")))
    keyed: TaskQuerySet = tasks.annotate(limited_instance=own)
    return keyed


def _limits_of(row: Row) -> dict[str, int]:
    """Return the limits on the tasks of a row: how many may run, by the limit's name."""
    requirement, project, of_project, workflow, of_workflow, instance, of_instance = row
    found = {
        f"project {project}": of_project,
        f"workflow {workflow}": of_workflow,
        f"instance {instance}": of_instance,
    }
    mosts: dict[str, int] = {name: most for name, most in found.items() if most is not None}
    limits = conf().capability_limits
    limited: Collection[str] = capabilities_of(requirement) & limits.keys() if limits else ()
    return mosts | {f"capability {name}": limits[name] for name in limited}
