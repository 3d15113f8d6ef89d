"""From ready rows to published messages, one frontier at a time."""

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db.models import Case, CharField, Q, Value, When

from cpds.base import clock, db
from cpds.base.conf import conf
from tasks_app.canvas import publish
from tasks_app.models import Instance, Task, identifiers
from tasks_app.models.returning import update_returning
from tasks_app.models.task import TaskQuerySet
from tasks_app.planning.canvas_plan import Canvas, Node, plan_canvases
from tasks_app.services import window
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


@db.transaction_required
def dispatch(
    *, instance: Instance, heads: Sequence[Node], room: Callable[[str], int]
) -> list[tuple[Canvas, str]]:
    """Plan canvases for ready tasks of one instance and mark what they carry; publish them after the commit.

    The caller holds the instance's lock. At most ``room(requirement)`` messages of
    each requirement set, and no more than the instance's own ``max_parallel`` leaves.
    """
    if not heads:
        return []
    left = _room_of(instance)
    named: list[tuple[Canvas, str]] = []
    for requirement, group in _by_requirement(heads):
        if left > 0 and (own := min(room(requirement), left)) > 0:
            found = _dispatch_alike(instance, group, own)
            left -= sum(len(canvas.heads) for canvas, _ in found)
            named += found
    return named


def _by_requirement(heads: Sequence[Node]) -> list[tuple[str, list[Node]]]:
    groups: dict[str, list[Node]] = {}
    for head in heads:
        groups.setdefault(head.requirement, []).append(head)
    return list(groups.items())


def _dispatch_alike(instance: Instance, heads: Sequence[Node], room: int) -> list[tuple[Canvas, str]]:
    piece = conf().chain_piece
    canvases = plan_canvases(
        heads=heads,
        near=_near(instance.pk, heads, piece),
        room=room,
        piece=piece,
        chords=publish.chords_are_possible(),
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


def pump(*, eager: bool = True) -> int:
    """Publish from the backlog, most urgent first, until the window is full; return how many messages.

    One short transaction for each instance it touches. Harmless when several do
    it at once: each takes only what is still in the backlog under the lock. A
    broker that takes nothing is not asked again: each time could cost a timeout.
    """
    look = window.look()
    sent = 0
    for requirement in ("", *look.waiting):
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
    full: set[int] = set()
    while (room := look.room(requirement, eager=eager)) > 0:
        backlog = Task.objects.backlog().filter(requirement=requirement)
        ready = backlog.in_running_instance().exclude(instance_id__in=full)
        chosen = list(ready.in_dispatch_order().values_list("pk", "instance_id")[:room])
        if not chosen:
            break
        by_instance: dict[int, list[int]] = {}
        for task_id, instance_id in chosen:
            by_instance.setdefault(instance_id, []).append(task_id)
        for instance_id, task_ids in by_instance.items():
            named = _dispatch_backlog(instance_id, task_ids)
            published = sum(len(canvas.heads) for canvas, _ in named)
            sent += published
            if not publish.publish(named):
                return sent, False
            if published < len(task_ids):  # it runs as many as it may, or is not to run at all
                full.add(instance_id)
        if len(chosen) < room:
            break
        look = window.look()
    return sent, True


def has_backlog() -> bool:
    """Return whether any ready task waits for room in the window."""
    return Task.objects.backlog().exists()


def _dispatch_backlog(instance_id: int, task_ids: Sequence[int]) -> list[tuple[Canvas, str]]:
    with db.transaction():
        instance = Instance.objects.locked(instance_id)
        if instance is None or instance.status not in INSTANCE_RUNNABLE:
            # It was stopped after its rows were read.
            return []
        rows = Task.objects.backlog().filter(pk__in=task_ids).in_dispatch_order().values_list(*NODE_COLUMNS)
        heads = [_node(row) for row in rows]
        return dispatch(instance=instance, heads=heads, room=lambda _requirement: len(task_ids))


def _room_of(instance: Instance) -> int:
    if instance.max_parallel is None:
        return sys.maxsize
    own = Task.objects.filter(instance=instance)
    active = own.filter(status__in=[TaskState.QUEUED, TaskState.RUNNING]).count()
    # What a canvas is about to start has its place: the one before it has ended, and its message is out.
    following = own.planned().satisfied().count()
    return instance.max_parallel - active - following


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
    return [_node(row) for row in rows]


def _node(row: Sequence[Any]) -> Node:
    return Node(**dict(zip(_NODE_FIELDS, row, strict=True)))


def _dispatch_of(members: Iterable[tuple[str, Sequence[int]]]) -> Case:
    """Return the expression that gives each task the dispatch id of its canvas, in one statement."""
    return Case(
        *(When(pk__in=task_ids, then=Value(dispatch_id)) for dispatch_id, task_ids in members),
        output_field=CharField(null=True),
    )
