"""Attempts that were told to stop: a compensation waits for their workers, or the end of their leases."""

from cpds.base import clock, db
from tasks_app.models import ExecutionRecord, Instance
from tasks_app.services.lookup.instance_tree import ancestors
from tasks_app.services.progress.advance import advance
from tasks_app.states import InstanceState

BATCH = 500


def acknowledge_stop(*, task_id: int, dispatch_id: str, instance_id: int) -> None:
    """Note that an attempt whose claim was revoked has stopped: nothing waits for its lease to end."""
    with db.transaction():
        stopped = ExecutionRecord.objects.filter(
            task_id=task_id, dispatch_id=dispatch_id, revoked_until__gt=clock.database_now()
        ).update(
            revoked_until=clock.database_now()
        )  # not None: should this process die now, the sweep sees it
    if stopped:
        advance(instance_id=instance_id, after=[])


def forget_stopped() -> int:
    """Go on with what waited for attempts that have stopped by now; return how many instances."""
    ended = ExecutionRecord.objects.filter(revoked_until__lte=clock.database_now())
    rows = list(ended.order_by("pk").values_list("pk", "task__instance_id")[:BATCH])
    waiting = _go_on_undoing({instance for _, instance in rows})
    ExecutionRecord.objects.filter(pk__in=[pk for pk, _ in rows]).update(revoked_until=None)
    return waiting


def _go_on_undoing(stopped_in: set[int]) -> int:
    """Go on with the compensation of these instances and of those around them; return of how many."""
    family = stopped_in.union(*(ancestors(each) for each in stopped_in))
    undoing = Instance.objects.filter(pk__in=family, status=InstanceState.COMPENSATING).order_by("pk")
    waiting = list(undoing.values_list("pk", flat=True))
    for instance_id in waiting:
        advance(instance_id=instance_id, after=[])
    return len(waiting)
