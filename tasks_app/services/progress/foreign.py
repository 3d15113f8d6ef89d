"""Foreign needs: what tasks need of tasks of other instances.

They are dependencies like all others, so a claim asks for them too; only
planning, which is done instance by instance, has to be told across. Whoever
creates such a need notes on the needed instance that it is awaited; what
advances that instance tells the others. The sweep finds what was not told.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef, Q, QuerySet

from cpds.base import db
from tasks_app.models import Dependency, Instance, Task
from tasks_app.states import InstanceState, JoinMode, TaskState

BATCH = 500


@dataclass(frozen=True, kw_only=True)
class Update:
    """What has happened elsewhere to tasks that blocked tasks of an instance need."""

    instance_id: int
    satisfied: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    """Those that ended and do not satisfy."""


@db.transaction_required
def await_tasks(needed: Collection[int]) -> list[int]:
    """Note on the instances of these tasks that others await them; return the tasks that are still there.

    Until the transaction ends nothing prunes them. Call it before the needs are
    inserted, and tell their instance after the commit.
    """
    owners = Instance.objects.filter(tasks__in=needed).values("pk")
    locked = list(db.locking(Instance.objects.filter(pk__in=owners)).order_by("pk"))
    staying = [each.pk for each in locked if not each.is_pruning]
    Instance.objects.filter(pk__in=staying, is_awaited=False).update(is_awaited=True)
    return list(Task.objects.filter(pk__in=needed, instance_id__in=staying).values_list("pk", flat=True))


def cross_instance_updates(instance_id: int) -> list[Update]:
    """Return the news that other instances await from this one."""
    return _updates_of(Q(needed__instance_id=instance_id))


def updates_for(instance_id: int) -> list[Update]:
    """Return the news that an instance has not heard, if there is any."""
    return _updates_of(Q(task__instance_id=instance_id))


def undelivered_updates() -> list[Update]:
    """Return the news for instances that could go on and have not."""
    waiting = Dependency.objects.filter(task=OuterRef("pk"), is_foreign=True)
    ready = Task.objects.blocked().in_running_instance().filter(Exists(waiting)).satisfied().values("pk")
    return _updates_of(
        Q(task__instance__status=InstanceState.RUNNING)
        & (Q(task__in=ready) | Q(needed__satisfies=False) & ~Q(task__join=JoinMode.ALL_DONE))
    )


def foreign_names(keys: Collection[int]) -> dict[int, str]:
    """Return what tasks are called outside their instance: the id they were given, or ``INSTANCE/NAME``."""
    if not keys:
        return {}
    rows = Task.objects.filter(pk__in=keys).values_list("pk", "task_id", "instance__public_id", "name")
    return {pk: task_id or f"{instance}/{name}" for pk, task_id, instance, name in rows}


def dependants_elsewhere(**of: object) -> "QuerySet[Dependency]":
    """Return the foreign needs whose task has not completed, and may yet.

    What was ruled out counts among them: it may be retried, and must find what it needs.
    """
    return Dependency.objects.filter(is_foreign=True, **of).exclude(
        task__status__in=[TaskState.COMPLETED, TaskState.COMPENSATED]
    )


def _updates_of(which: Q) -> list[Update]:
    rows = (
        Dependency.objects.filter(
            which,
            is_foreign=True,
            needed__satisfies__isnull=False,
            task__status=TaskState.PENDING,
            task__dispatch_id__isnull=True,
            task__ready_at__isnull=True,
        )
        .order_by("task__instance_id", "needed_id")
        .values_list("task__instance_id", "needed_id", "needed__satisfies")
        .distinct()
    )
    found: dict[int, Update] = {}
    for instance_id, needed, satisfies in rows:
        news = found.setdefault(instance_id, Update(instance_id=instance_id))
        (news.satisfied if satisfies else news.lost).append(needed)
    return list(found.values())
