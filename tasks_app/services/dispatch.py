"""From ready rows to published messages, one frontier at a time."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Case, CharField, Q, Value, When

from cpds.base import clock, db
from cpds.base.conf import conf
from tasks_app.canvas import publish
from tasks_app.models import Instance, Task, identifiers
from tasks_app.models.returning import update_returning
from tasks_app.models.task import TaskQuerySet
from tasks_app.planning.canvas_plan import Canvas, Node, plan_canvases
from tasks_app.planning.shares import Grant
from tasks_app.services import window
from tasks_app.services.limits import full_workflow, places_left
from tasks_app.services.window import Look
from tasks_app.states import EXTERNAL, INSTANCE_RUNNABLE, Gate, TaskState

NODE_COLUMNS = ("id", "stage", "stage_position", "meets", "fan_in", "requirement")
_NODE_FIELDS = ("task_id", *NODE_COLUMNS[1:])


@db.transaction_required
def mark_ready(*, candidates: TaskQuerySet) -> list[Node]:
    """Mark those of the blocked ``candidates`` whose dependencies have all completed; return what to publish.

    The caller holds the instance's lock.
    """
    found = update_returning(
        candidates.blocked().satisfied(),
        {"ready_at": clock.database_now()},
        (*NODE_COLUMNS, "priority", "rank", "executor", "gate"),
    )
    found.sort(key=lambda row: (-row[6], -row[7], row[0]))
    # What waits for a worker that speaks HTTP is ready, and not to be published.
    return [_node(row[:6]) for row in found if row[8:] != (EXTERNAL, Gate.OPEN)]


@dataclass(frozen=True, kw_only=True)
class Room:
    """How many messages may go out, and how many of them, the first, overtake others."""

    messages: int
    express: int = 0


def room_for(instance: Instance) -> Callable[[str], Room]:
    """Return how much room there is for an instance of each requirement set, nobody else waiting."""
    look = window.look()

    def room(requirement: str) -> Room:
        found = look.grants(requirement, only=instance.project_id)
        return Room(messages=found[0].messages, express=found[0].within) if found else Room(messages=0)

    return room


@db.transaction_required
def dispatch(
    *, instance: Instance, heads: Sequence[Node], room: Callable[[str], Room]
) -> list[tuple[Canvas, str]]:
    """Plan canvases for ready tasks of one instance and mark what they carry; publish them after the commit.

    The caller holds the instance's lock. At most ``room(requirement)`` messages of
    each requirement set, and no more than the limits of the instance, its workflow,
    its project and of capabilities leave.
    """
    if not heads:
        return []
    groups = _by_requirement(heads)
    left = places_left(instance=instance, requirements=[requirement for requirement, _ in groups])
    named: list[tuple[Canvas, str]] = []
    sent = 0
    for requirement, group in groups:
        own = room(requirement)
        # Each may have used up what limits the next as well.
        messages = min(own.messages, left(requirement) - sent)
        if messages > 0:
            found = _dispatch_alike(instance, group, Room(messages=messages, express=own.express))
            sent += sum(len(canvas.heads) for canvas, _ in found)
            named += found
    return named


def _by_requirement(heads: Sequence[Node]) -> list[tuple[str, list[Node]]]:
    groups: dict[str, list[Node]] = {}
    for head in heads:
        groups.setdefault(head.requirement, []).append(head)
    return list(groups.items())


def _dispatch_alike(instance: Instance, heads: Sequence[Node], room: Room) -> list[tuple[Canvas, str]]:
    piece = conf().chain_piece
    canvases = _addressed(
        plan_canvases(
            heads=heads,
            near=_near(instance.pk, heads, piece),
            room=room.messages,
            piece=piece,
            chords=publish.chords_are_possible(),
        ),
        project=window.queue_project(project=instance.project_id),
        express=room.express,
    )
    named = [(canvas, identifiers.dispatch_id()) for canvas in canvases]
    Task.objects.filter(pk__in=[head for canvas in canvases for head in canvas.heads]).move(
        to=TaskState.QUEUED,
        dispatch_id=_dispatch_of((dispatch_id, canvas.heads) for canvas, dispatch_id in named),
        published_at=clock.database_now(),
    )
    followers = [(dispatch_id, canvas.planned) for canvas, dispatch_id in named if canvas.planned]
    if followers:
        Task.objects.filter(pk__in=[task for _, planned in followers for task in planned]).update(
            dispatch_id=_dispatch_of(followers)
        )
    return named


def _addressed(canvases: Iterable[Canvas], *, project: int | None, express: int) -> list[Canvas]:
    """Say of each canvas whose queues it goes to, and of the first ``express`` messages that they overtake."""
    found = []
    for canvas in canvases:
        found.append(replace(canvas, project=project, is_express=express > 0))
        express -= len(canvas.heads)
    return found


def pump(*, eager: bool = True) -> int:
    """Publish from the backlog until the window is full; return how many messages.

    Projects in turn, by what they have out for their weight; of each its most urgent
    first. One short transaction for each instance it touches. Harmless when several do
    it at once: each takes only what is still in the backlog under the lock. A
    broker that takes nothing is not asked again: each time could cost a timeout.
    """
    look = window.look()
    sent = 0
    for requirement in look.requirements_waiting:
        number, is_taken = _pump_alike(requirement, look, eager=eager)
        sent += number
        if not is_taken:
            break
        if number:
            look = window.look()
    return sent


def _pump_alike(requirement: str, look: Look, *, eager: bool) -> tuple[int, bool]:
    """Publish from the backlog of one requirement set; return how many, and whether the broker took them."""
    sent = 0
    full = _Full()
    drained: set[int] = set()
    while granted := look.grants(requirement, eager=eager, without=drained):
        for grant in granted:
            chosen = _foremost(requirement, grant, full)
            number, is_taken = _pump_chosen(chosen, grant, full)
            sent += number
            if not is_taken:
                return sent, False
            if len(chosen) < grant.messages:
                drained.add(grant.project)
        if drained >= {grant.project for grant in granted}:
            break
        look = window.look()
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
        named = _dispatch_backlog(instance_id, task_ids, room)
        published = sum(len(canvas.heads) for canvas, _ in named)
        sent += published
        if not publish.publish(named):
            return sent, False
        if published < len(task_ids):  # it runs as many as it may, or is not to run at all
            full.instances.add(instance_id)
            if (workflow := full_workflow(instance_id=instance_id)) is not None:
                full.workflows.add(workflow)
    return sent, True


def has_backlog() -> bool:
    """Return whether any ready task waits for room in the window."""
    return Task.objects.backlog().exists()


def _dispatch_backlog(instance_id: int, task_ids: Sequence[int], room: Room) -> list[tuple[Canvas, str]]:
    with db.transaction():
        instance = Instance.objects.locked(instance_id)
        if instance is None or instance.status not in INSTANCE_RUNNABLE:
            # It was stopped after its rows were read.
            return []
        rows = Task.objects.backlog().filter(pk__in=task_ids).in_dispatch_order().values_list(*NODE_COLUMNS)
        heads = [_node(row) for row in rows]
        return dispatch(instance=instance, heads=heads, room=lambda _requirement: room)


def _near(instance_id: int, heads: Sequence[Node], piece: int) -> list[Node]:
    """Read the pending tasks that could follow the heads inside a canvas."""
    own = {head.stage for head in heads}
    meets = {head.meets for head in heads if head.meets is not None}
    farthest = max(head.stage_position for head in heads) + piece
    rows = (
        Task.objects.blocked()
        .filter(instance_id=instance_id)
        .filter(
            Q(stage__in=own, stage_position__gt=0, stage_position__lte=farthest)
            | Q(stage__in=meets, stage_position__lt=piece)
        )
        .values_list(*NODE_COLUMNS)
    )
    return [_node(row) for row in rows]


def _node(row: Sequence[Any]) -> Node:
    return Node(**dict(zip(_NODE_FIELDS, row, strict=True)))


def _dispatch_of(members: Iterable[tuple[str, Sequence[int]]]) -> Case:
    """Return the expression that gives each task the dispatch id of its canvas, in one statement."""
    return Case(
        *(When(pk__in=task_ids, then=Value(dispatch_id)) for dispatch_id, task_ids in members),
        output_field=CharField(null=True),
    )
