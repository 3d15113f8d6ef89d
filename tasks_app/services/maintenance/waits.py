"""Chores for what waits without a slot: each finds what a lost process left undone, or what is due."""

from collections import defaultdict
from contextlib import suppress

from django.db.models import Exists, OuterRef, Q

from cpds.base import clock
from tasks_app.errors import IllegalMove
from tasks_app.models import Instance, Task
from tasks_app.models.instance import InstanceQuerySet
from tasks_app.models.task import TaskQuerySet
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.instances import pause_instance, resume_instance
from tasks_app.services.gates.approvals import expire_checkpoints
from tasks_app.services.lookup.chores import run_chore
from tasks_app.services.maintenance.overdue import end_overdue_attempts
from tasks_app.services.maintenance.stream_chores import tend_streams
from tasks_app.services.progress.advance import advance, advance_dependents, apply_update
from tasks_app.services.progress.foreign import undelivered_updates
from tasks_app.services.progress.items import has_places
from tasks_app.states import TASK_FINAL, TASK_UNFINISHED, InstanceState, TaskState, WaitKind

BATCH = 500


def tend() -> int:
    """Do every chore for what waits without a slot, though another fails; return how much there was to do."""
    chores = (
        expire_checkpoints,
        end_overdue_children,
        mind_children,
        settle_ended_waits,
        tend_streams,
        hear_from_others,
        end_overdue_attempts,
    )
    return sum(run_chore(name=chore.__name__, chore=chore) for chore in chores)


def hear_from_others() -> int:
    """Advance instances that have not heard of tasks they need in others; return how many."""
    unheard = undelivered_updates()[:BATCH]
    for news in unheard:
        if apply_update(news):
            advance_dependents(news.instance_id)
    return len(unheard)


def settle_ended_waits() -> int:
    """Go on where items or a child have ended, or where an item has a place; return how many tasks."""
    waiting = Task.objects.filter(status=TaskState.WAITING).in_running_instance()
    unfinished_item = Task.objects.filter(parent=OuterRef("pk"), status__in=sorted(TASK_UNFINISHED))
    unfinished_child = Instance.objects.unfinished().filter(parent_task=OuterRef("pk"))
    ended = waiting.filter(
        Q(wait_kind=WaitKind.ITEMS) & ~Exists(unfinished_item)
        | Q(wait_kind=WaitKind.WORKFLOW) & ~Exists(unfinished_child)
    )
    held = Task.objects.held_back().filter(parent=OuterRef("pk"))
    stuck = waiting.filter(Exists(held), wait_kind=WaitKind.ITEMS)
    due = _keys(ended) + [
        (task.pk, task.instance_id) for task in stuck.order_by("pk")[:BATCH] if has_places(task)
    ]
    by_instance: dict[int, list[int]] = defaultdict(list)
    for pk, instance_id in due:
        by_instance[instance_id].append(pk)
    for instance_id, waits in sorted(by_instance.items()):
        advance(instance_id=instance_id, after=[], waiting=waits)
    return len(due)


def end_overdue_children() -> int:
    """Cancel children that took longer than their tasks allow; return how many."""
    due = Task.objects.filter(
        status=TaskState.WAITING, wait_kind=WaitKind.WORKFLOW, wake_at__lte=clock.database_now()
    ).in_running_instance()
    children = Instance.objects.unfinished().filter(parent_task__in=due)
    return _cancel(children, "it took longer than its task {task!r} allows")


def mind_children() -> int:
    """Have children follow their parents into pause and out of it, and to their end; return how many did."""
    children = Instance.objects.filter(parent_task__isnull=False)
    # What is being cancelled in good order may finish what runs.
    orphans = children.unfinished().filter(parent_task__status__in=sorted(TASK_FINAL), is_stopping=False)
    awake = children.filter(status=InstanceState.RUNNING, parent_task__instance__status=InstanceState.PAUSED)
    asleep = children.filter(
        status=InstanceState.PAUSED,
        paused_with_parent=True,
        parent_task__instance__status=InstanceState.RUNNING,
    )
    minded = _cancel(orphans, "its task {task!r} does not wait for it any more")
    for child in awake.order_by("pk")[:BATCH]:
        with suppress(IllegalMove):
            pause_instance(given=child.public_id, reason="its parent is paused", with_parent=True)
            minded += 1
    for child in asleep.order_by("pk")[:BATCH]:
        with suppress(IllegalMove):
            resume_instance(given=child.public_id, reason="its parent was resumed")
            minded += 1
    return minded


def _cancel(children: InstanceQuerySet, why: str) -> int:
    ended = 0
    for child in children.select_related("parent_task__instance").order_by("pk")[:BATCH]:
        assert child.parent_task is not None  # noqa: S101 - the filter says so
        drain = child.parent_task.instance.is_stopping
        with suppress(IllegalMove):
            cancel_instance(
                given=child.public_id, reason=why.format(task=child.parent_task.name), drain=drain
            )
            ended += 1
    return ended


def _keys(tasks: TaskQuerySet) -> list[tuple[int, int]]:
    return list(tasks.order_by("pk").values_list("pk", "instance_id")[:BATCH])
