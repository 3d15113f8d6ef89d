"""How many tasks may be out at once: of an instance, a workflow, a project, and with a capability.

Out is what is published or runs, and what a canvas is about to start. Whoever publishes
looks under a lock of what limits it, so that two that look at once do not both take
the last place. Locks are taken in one order: instance, workflow, project, the
capabilities together, then tasks.
"""

import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cpds.base import db
from cpds.base.conf import conf
from cpds.base.statements import Statement
from tasks_app.models import Chore, Instance, Project, Task, Workflow
from tasks_app.models.sql import FOLDER
from tasks_app.services.lookup.requirements import capabilities_of
from tasks_app.states import TaskState

CAPABILITIES: Final = "capability_limits"
"""The row whose lock stands for all limits of capabilities."""


@dataclass(frozen=True, kw_only=True)
class Out:
    """A task that is out, by what may limit it."""

    instance: int
    workflow: int | None
    project: int
    requirement: str


class LimitKind(StrEnum):
    """Of what the tasks are counted."""

    INSTANCE = "instance"
    WORKFLOW = "workflow"
    PROJECT = "project"
    CAPABILITY = "capability"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A limit and how much of it is taken. ``name``: the capability, where there may be several."""

    kind: LimitKind
    most: int
    out: int
    name: str = ""

    @property
    def left(self) -> int:
        """How many more may be out."""
        return max(0, self.most - self.out)


@db.transaction_required
def places_left(*, instance: Instance, requirements: Collection[str]) -> Callable[[str], int]:
    """Lock what limits a locked instance, and return how many more tasks of a requirement set may go out.

    Free where nothing limits. The answer does not know of what is published after it.
    """
    capabilities = _limited_capabilities(requirements)
    mosts = (instance.max_parallel, instance.workflow_most, instance.project_most)
    if all(most is None for most in mosts) and not capabilities:
        return lambda _requirement: sys.maxsize
    if instance.workflow_most is not None:
        db.locking(Workflow.objects.filter(pk=instance.workflow_id or 0)).first()
    if instance.project_most is not None:
        db.locking(Project.objects.filter(pk=instance.project_id)).first()
    if capabilities:
        db.locking(Chore.objects.all()).get_or_create(pk=CAPABILITIES)
    only = instance.pk if mosts[1:] == (None, None) and not capabilities else None
    out = read_out(only)

    def left(requirement: str) -> int:
        found = limits_on(
            instance=instance,
            requirement=requirement,
            workflow_most=instance.workflow_most,
            project_most=instance.project_most,
            out=out,
        )
        return min((limit.left for limit in found), default=sys.maxsize)

    return left


def is_limited(instance: Instance) -> bool:
    """Return whether anything but capabilities limits the tasks of an instance."""
    if instance.max_parallel is not None:
        return True
    return bool(_LIMITED.run(instance_id=instance.pk))


_LIMITED = Statement("limited_instance", folder=FOLDER)


def limits_on(
    *,
    instance: Instance,
    requirement: str,
    workflow_most: int | None,
    project_most: int | None,
    out: Sequence[Out],
) -> list[Limit]:
    """Return everything that limits the tasks of an instance and a requirement set."""
    counted: list[tuple[LimitKind, int | None, Callable[[Out], bool]]] = [
        (LimitKind.INSTANCE, instance.max_parallel, lambda each: each.instance == instance.pk),
        (LimitKind.WORKFLOW, workflow_most, lambda each: each.workflow == instance.workflow_id),
        (LimitKind.PROJECT, project_most, lambda each: each.project == instance.project_id),
    ]
    found = [
        Limit(kind=kind, most=most, out=sum(map(is_counted, out)))
        for kind, most, is_counted in counted
        if most is not None
    ]
    return found + capability_limits_on(requirement=requirement, out=out)


def capability_limits_on(*, requirement: str, out: Sequence[Out]) -> list[Limit]:
    """Return what limits a requirement set by its capabilities, whoever's tasks they are."""
    return [
        Limit(
            kind=LimitKind.CAPABILITY,
            most=conf().capability_limits[name],
            out=sum(name in capabilities_of(each.requirement) for each in out),
            name=name,
        )
        for name in _limited_capabilities([requirement])
    ]


def read_out(instance_id: int | None = None) -> list[Out]:
    """Return what is out (of an instance): one statement, as many rows as are out."""
    tasks = Task.objects.all() if instance_id is None else Task.objects.filter(instance_id=instance_id)
    columns = ("instance_id", "instance__workflow_id", "project_id", "requirement")
    queued = tasks.filter(status=TaskState.QUEUED).values_list(*columns)
    running = tasks.filter(status=TaskState.RUNNING).values_list(*columns)
    # What a canvas is about to start has its place: the one before it has ended, and its message is out.
    following = tasks.planned().satisfied().values_list(*columns)
    return [
        Out(instance=instance, workflow=workflow, project=project, requirement=requirement)
        for instance, workflow, project, requirement in queued.union(running, following, all=True)
    ]


def full_workflow(instance_id: int) -> int | None:
    """Return the workflow of an instance if as many of its tasks are out as may be; else None."""
    found = Workflow.objects.filter(instances=instance_id, max_running__isnull=False)
    row = found.values_list("pk", "max_running").first()
    if row is None:
        return None
    workflow, most = row
    return workflow if sum(each.workflow == workflow for each in read_out()) >= (most or 0) else None


def _limited_capabilities(requirements: Collection[str]) -> list[str]:
    limits = conf().capability_limits
    if not limits:
        return []
    return sorted({name for each in requirements for name in capabilities_of(each)} & limits.keys())
