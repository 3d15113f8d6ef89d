"""Publish from the backlog: projects in turn, and of each what is most urgent."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cpds.base import db
from tasks_app.canvas import publish
from tasks_app.models import Instance, Task
from tasks_app.planning.engine.canvas_plan import Dispatch
from tasks_app.planning.engine.shares import Grant
from tasks_app.services.publishing import window
from tasks_app.services.publishing.dispatch import NODE_COLUMNS, Room, dispatch, node_of
from tasks_app.services.publishing.limits import full_workflow
from tasks_app.services.publishing.redelivery import publish_again
from tasks_app.services.publishing.window import Snapshot
from tasks_app.states import INSTANCE_RUNNABLE, TaskState


def pump(*, eager: bool = True) -> int:
    """Publish from the backlog until the window is full; return how many messages.

    Projects in turn, by what they have out for their weight; of each its most urgent
    first. One short transaction for each instance it touches. Harmless when several do
    it at once: each takes only what is still in the backlog under the lock. A
    broker that takes nothing is not asked again: each time could cost a timeout.
    """
    look = window.take_snapshot()
    sent = number = 0
    for requirement in look.requirements_in_play:
        if number:
            look = window.take_snapshot()
        number, is_taken = _pump_alike(requirement, look, eager=eager)
        sent += number
        if not is_taken:
            break
    return sent


def _pump_alike(requirement: str, look: Snapshot, *, eager: bool) -> tuple[int, bool]:
    """Publish from the backlog of one requirement set; return how many, and whether the broker took them."""
    sent = 0
    full = _Full()
    drained: set[int] = set()
    while granted := look.grants(requirement, eager=eager, without=drained):
        left = look.room(requirement, eager=eager)
        for grant in granted:
            chosen = _foremost(requirement, grant, full)
            number, is_taken = _pump_chosen(chosen, grant, full)
            sent += number
            left -= number
            if not is_taken:
                return sent, False
            if len(chosen) < grant.messages:
                drained.add(grant.project)
        if not all(_promote(requirement, grant) for grant in granted if grant.promoted):
            return sent, False
        if left <= 0 or drained >= {grant.project for grant in granted if grant.messages}:
            break
        look = window.take_snapshot()
    return sent, True


@dataclass(frozen=True)
class _Full:
    """What has been found to take no more while the backlog is gone through."""

    instances: set[int] = field(default_factory=set)
    workflows: set[int] = field(default_factory=set)


def _foremost(requirement: str, grant: Grant, full: "_Full") -> list[tuple[int, int]]:
    """Return the tasks, each with its instance, that a project publishes next."""
    backlog = Task.objects.backlog().filter(requirement=requirement, project_id=grant.project)
    ready = backlog.in_running_instance().exclude(instance_id__in=full.instances)
    if full.workflows:
        ready = ready.exclude(instance__workflow_id__in=full.workflows)
    return list(ready.in_dispatch_order().values_list("pk", "instance_id")[: grant.messages])


def _pump_chosen(chosen: Sequence[tuple[int, int]], grant: Grant, full: "_Full") -> tuple[int, bool]:
    """Publish chosen tasks of a project, and note which instances take no more; return as ``_pump_alike``."""
    sent = 0
    express = {task_id for task_id, _ in chosen[: grant.within]}
    by_instance: dict[int, list[int]] = {}
    for task_id, instance_id in chosen:
        by_instance.setdefault(instance_id, []).append(task_id)
    for instance_id, task_ids in by_instance.items():
        room = Room(messages=len(task_ids), express=len(express.intersection(task_ids)))
        dispatches = _dispatch_backlog(instance_id, task_ids, room)
        published = sum(len(each.canvas.heads) for each in dispatches)
        sent += published
        if not publish.publish(dispatches):
            return sent, False
        if published < len(task_ids):  # it runs as many as it may, or is not to run at all
            full.instances.add(instance_id)
            if (workflow := full_workflow(instance_id)) is not None:
                full.workflows.add(workflow)
    return sent, True


def _promote(requirement: str, grant: Grant) -> bool:
    """Have messages of a project that are out overtake others; return whether the broker took them.

    Else those that came later, within their shares, would overtake them for ever.
    """
    out = Task.objects.filter(
        status=TaskState.QUEUED, requirement=requirement, project_id=grant.project, is_express=False
    )
    chosen = out.in_running_instance().order_by("published_at", "pk")[: grant.promoted]
    for task_id, instance_id, dispatch_id in chosen.values_list("pk", "instance_id", "dispatch_id"):
        _, is_taken = publish_again(instance_id=instance_id, tasks=[(task_id, dispatch_id)], is_express=True)
        if not is_taken:
            return False
    return True


def _dispatch_backlog(instance_id: int, task_ids: Sequence[int], room: Room) -> list[Dispatch]:
    with db.transaction():
        instance = Instance.objects.locked(instance_id)
        if instance is None or instance.status not in INSTANCE_RUNNABLE:
            # It was stopped after its rows were read.
            return []
        rows = Task.objects.backlog().filter(pk__in=task_ids).in_dispatch_order().values_list(*NODE_COLUMNS)
        heads = [node_of(row) for row in rows]
        return dispatch(instance=instance, heads=heads, room=lambda _requirement: room)
