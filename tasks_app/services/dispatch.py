"""From ready rows to published messages, one frontier at a time."""

import sys
from collections.abc import Iterable, Sequence

from django.db.models import Case, CharField, Q, Value, When

from cpds.base import clock, db
from cpds.base.conf import conf
from tasks_app.canvas import publish
from tasks_app.models import Instance, Task, identifiers
from tasks_app.models.returning import update_returning
from tasks_app.models.task import TaskQuerySet
from tasks_app.planning.canvas_plan import Canvas, Node, plan_canvases
from tasks_app.services import window
from tasks_app.states import EXTERNAL, INSTANCE_RUNNABLE, Gate, TaskState

NODE_COLUMNS = ("id", "stage", "stage_position", "meets", "fan_in")


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
    found.sort(key=lambda row: (-row[5], -row[6], row[0]))
    # What waits for a worker that speaks HTTP is ready, and not to be published.
    return [_node(row[:5]) for row in found if row[7:] != (EXTERNAL, Gate.OPEN)]


@db.transaction_required
def dispatch(*, instance: Instance, heads: Sequence[Node], room: int) -> list[tuple[Canvas, str]]:
    """Plan canvases for ready tasks of one instance and mark what they carry; publish them after the commit.

    The caller holds the instance's lock. At most ``room`` messages, and no more
    than the instance's own ``max_parallel`` leaves.
    """
    if not heads:
        return []
    room = min(room, _room_of(instance))
    if room <= 0:
        return []
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
    sent = 0
    full: set[int] = set()
    while (room := window.room(eager=eager)) > 0:
        ready = Task.objects.backlog().in_running_instance().exclude(instance_id__in=full)
        backlog = ready.in_dispatch_order()
        chosen = list(backlog.values_list("pk", "instance_id")[:room])
        if not chosen:
            return sent
        by_instance: dict[int, list[int]] = {}
        for task_id, instance_id in chosen:
            by_instance.setdefault(instance_id, []).append(task_id)
        for instance_id, task_ids in by_instance.items():
            named = _dispatch_backlog(instance_id, task_ids)
            published = sum(len(canvas.heads) for canvas, _ in named)
            sent += published
            if not publish.publish(named):
                return sent
            if published < len(task_ids):  # it runs as many as it may, or is not to run at all
                full.add(instance_id)
        if len(chosen) < room:
            return sent
    return sent


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
        return dispatch(instance=instance, heads=[_node(row) for row in rows], room=len(task_ids))


def _room_of(instance: Instance) -> int:
    if instance.max_parallel is None:
        return sys.maxsize
    active = Task.objects.filter(instance=instance, status__in=[TaskState.QUEUED, TaskState.RUNNING])
    return instance.max_parallel - active.count()


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


def _node(row: Sequence[int | None]) -> Node:
    task_id, stage, stage_position, meets, fan_in = row
    assert task_id is not None and stage is not None and stage_position is not None and fan_in is not None  # noqa: PT018, S101
    return Node(task_id=task_id, stage=stage, stage_position=stage_position, meets=meets, fan_in=fan_in)


def _dispatch_of(members: Iterable[tuple[str, Sequence[int]]]) -> Case:
    """Return the expression that gives each task the dispatch id of its canvas, in one statement."""
    return Case(
        *(When(pk__in=task_ids, then=Value(dispatch_id)) for dispatch_id, task_ids in members),
        output_field=CharField(null=True),
    )
