"""From ready rows to published messages, one frontier at a time."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Case, CharField, Q, Value, When

from cpds.base import clock, db
from cpds.base.conf import conf
from tasks_app.canvas import publish
from tasks_app.models import Instance, Task, identifiers
from tasks_app.models.returning import update_returning
from tasks_app.models.task import TaskQuerySet
from tasks_app.planning.engine.canvas_plan import Canvas, Dispatch, Node, plan_canvases
from tasks_app.services.publishing import window
from tasks_app.services.publishing.limits import places_left
from tasks_app.states import EXTERNAL, Gate, TaskState

NODE_COLUMNS = ("id", "stage", "stage_position", "meets", "fan_in", "requirement")
_NODE_FIELDS = ("task_id", *NODE_COLUMNS[1:])


@db.transaction_required
def mark_ready(candidates: TaskQuerySet) -> list[Node]:
    """Mark those of the blocked ``candidates`` whose dependencies have all completed; return what to publish.

    The caller holds the instance's lock.
    """
    return _mark(candidates.satisfied())


@db.transaction_required
def mark_first(instance: Instance) -> list[Node]:
    """Mark those tasks of a new instance that need nothing, as ``mark_ready`` does."""
    return _mark(Task.objects.filter(instance=instance, fan_in=0))


def _mark(satisfied: TaskQuerySet) -> list[Node]:
    found = update_returning(
        satisfied.blocked(),
        {"ready_at": clock.database_now()},
        (*NODE_COLUMNS, "priority", "rank", "executor", "gate"),
    )
    found.sort(key=lambda row: (-row[6], -row[7], row[0]))
    # What waits for a worker that speaks HTTP is ready, and not to be published.
    return [node_of(row[:6]) for row in found if row[8:] != (EXTERNAL, Gate.OPEN)]


@dataclass(frozen=True, kw_only=True)
class Room:
    """How many messages may go out, and how many of them, the first, overtake others."""

    messages: int
    express: int = 0


def room_for(instance: Instance) -> Callable[[str], Room]:
    """Return how much room there is for an instance of each requirement set, nobody else waiting."""
    look = window.take_snapshot()

    def room(requirement: str) -> Room:
        found = look.grants(requirement, only=instance.project_id)
        return Room(messages=found[0].messages, express=found[0].within) if found else Room(messages=0)

    return room


@db.transaction_required
def dispatch(*, instance: Instance, heads: Sequence[Node], room: Callable[[str], Room]) -> list[Dispatch]:
    """Plan canvases for ready tasks of one instance and mark what they carry; publish them after the commit.

    The caller holds the instance's lock. At most ``room(requirement)`` messages of
    each requirement set, and no more than the limits of the instance, its workflow,
    its project and of capabilities leave.
    """
    if not heads:
        return []
    groups = _by_requirement(heads)
    left = places_left(instance=instance, requirements=[requirement for requirement, _ in groups])
    dispatches: list[Dispatch] = []
    sent = 0
    for requirement, group in groups:
        own = room(requirement)
        # Each may have used up what limits the next as well.
        messages = min(own.messages, left(requirement) - sent)
        if messages > 0:
            found = _dispatch_alike(instance, group, Room(messages=messages, express=own.express))
            sent += sum(len(each.canvas.heads) for each in found)
            dispatches += found
    return dispatches


def _by_requirement(heads: Sequence[Node]) -> list[tuple[str, list[Node]]]:
    groups: dict[str, list[Node]] = {}
    for head in heads:
        groups.setdefault(head.requirement, []).append(head)
    return list(groups.items())


def _dispatch_alike(instance: Instance, heads: Sequence[Node], room: Room) -> list[Dispatch]:
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
    dispatches = [Dispatch(id=identifiers.dispatch_id(), canvas=canvas) for canvas in canvases]
    Task.objects.filter(pk__in=[head for canvas in canvases for head in canvas.heads]).move(
        to=TaskState.QUEUED,
        dispatch_id=_dispatch_of((each.id, each.canvas.heads) for each in dispatches),
        published_at=clock.database_now(),
        is_express=_is_express(canvases),
    )
    followers = [(each.id, each.canvas.planned) for each in dispatches if each.canvas.planned]
    if followers:
        Task.objects.filter(pk__in=[task for _, planned in followers for task in planned]).update(
            dispatch_id=_dispatch_of(followers)
        )
    return dispatches


def _addressed(canvases: Iterable[Canvas], *, project: int | None, express: int) -> list[Canvas]:
    """Say of each canvas whose queues it goes to, and of the first ``express`` that they overtake."""
    found = []
    for canvas in canvases:
        found.append(replace(canvas, project=project, is_express=express > 0))
        express -= len(canvas.heads)
    return found


def has_backlog() -> bool:
    """Return whether any ready task waits for room in the window."""
    return Task.objects.backlog().exists()


def _near(instance_id: int, heads: Sequence[Node], piece: int) -> list[Node]:
    """Read the pending tasks that could follow the heads inside a canvas."""
    own = {head.stage for head in heads}
    meets = {head.meets for head in heads if head.meets is not None}
    farthest = max(head.stage_position for head in heads) + piece
    rows = (
        Task.objects.blocked()
        # Said of all, so that the index is searched by stage and not every pending task is read.
        .filter(instance_id=instance_id, stage__in=own | meets, stage_position__lte=farthest)
        .filter(
            Q(stage__in=own, stage_position__gt=0, stage_position__lte=farthest)
            | Q(stage__in=meets, stage_position__lt=piece)
        )
        .values_list(*NODE_COLUMNS)
    )
    return [node_of(row) for row in rows]


def node_of(row: Sequence[Any]) -> Node:
    return Node(**dict(zip(_NODE_FIELDS, row, strict=True)))


def _is_express(canvases: Iterable[Canvas]) -> Q | bool:
    heads = [head for canvas in canvases if canvas.is_express for head in canvas.heads]
    return Q(pk__in=heads) if heads else False


def _dispatch_of(members: Iterable[tuple[str, Sequence[int]]]) -> Case:
    """Return the expression that gives each task the dispatch id of its canvas, in one statement."""
    return Case(
        *(When(pk__in=task_ids, then=Value(dispatch_id)) for dispatch_id, task_ids in members),
        output_field=CharField(null=True),
    )
