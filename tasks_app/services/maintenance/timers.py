"""What is due: waits that are over, pauses that end, instances whose time is up."""

from collections import defaultdict
from datetime import timedelta

from cpds.base import clock, db
from tasks_app.models import Instance, Task
from tasks_app.models.task import TaskQuerySet
from tasks_app.planning.engine.decisions import is_to_be_undone
from tasks_app.services.control.cancelling import end_instance
from tasks_app.services.control.instances import resume_instance
from tasks_app.services.publishing.pump import pump
from tasks_app.states import INSTANCE_RUNNABLE, InstanceState, OnFailure, TaskState, WaitKind

BATCH = 500
SHORTEST_REST = 0.01
"""Seconds between two looks, for what is due and for this moment cannot be woken."""


def wake_in_time(within: float) -> float:
    """Wake and publish what is due; return in how many seconds to look again, at most ``within``.

    Whoever rests so long between calls wakes tasks when their wait is over and
    not at the next sweep, which does the same.
    """
    if wake_due():
        pump()
    waiting = _between_attempts().order_by("wake_at").annotate(now=clock.database_now())
    first = waiting.values_list("wake_at", "now").first()
    if first is None:
        return within
    wake_at, now = first
    ahead: timedelta = wake_at - now
    return min(within, max(SHORTEST_REST, ahead.total_seconds()))


def _between_attempts() -> TaskQuerySet:
    waiting = Task.objects.filter(status=TaskState.WAITING, wait_kind=WaitKind.RETRY, wake_at__isnull=False)
    return waiting.in_running_instance()


def wake_due() -> int:
    """Make tasks ready whose wait between attempts is over; return how many."""
    due = _between_attempts().filter(wake_at__lte=clock.database_now())
    by_instance: dict[int, list[int]] = defaultdict(list)
    for pk, instance_id in due.order_by("wake_at").values_list("pk", "instance_id")[:BATCH]:
        by_instance[instance_id].append(pk)
    return sum(_wake(instance_id, task_ids) for instance_id, task_ids in sorted(by_instance.items()))


def _wake(instance_id: int, task_ids: list[int]) -> int:
    with db.transaction():
        instance = Instance.objects.locked(instance_id)
        if instance is None or instance.status not in INSTANCE_RUNNABLE:
            return 0
        moved = Task.objects.filter(pk__in=task_ids, status=TaskState.WAITING).move(
            to=TaskState.PENDING, wait_kind="", wake_at=None, reason="", ready_at=clock.database_now()
        )
    return len(moved)


def resume_due() -> int:
    """Resume instances whose pause is over; return how many."""
    due = Instance.objects.filter(status=InstanceState.PAUSED, paused_until__lte=clock.database_now())
    keys = list(due.order_by("pk").values_list("public_id", flat=True)[:BATCH])
    for key in keys:
        resume_instance(given=key, by="timer", reason="the pause is over")
    return len(keys)


def end_overdue() -> int:
    """Fail instances whose time is up; return how many. What is being compensated has no such limit."""
    due = Instance.objects.unfinished().filter(deadline_at__lte=clock.database_now())
    rows = list(due.order_by("pk").values_list("pk", "on_failure", "is_to_compensate")[:BATCH])
    return sum(
        end_instance(
            instance_id=key,
            to=InstanceState.FAILED,
            reason="the instance ran out of time",
            compensate=is_to_be_undone(
                end=InstanceState.FAILED, on_failure=OnFailure(on_failure), was_asked=was_asked
            ),
        )
        for key, on_failure, was_asked in rows
    )
