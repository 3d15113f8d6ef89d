"""Attempts that were told to stop: a compensation waits for their workers, or the end of their leases."""

from cpds.base import clock, db
from tasks_app.models import ExecutionRecord
from tasks_app.services.advance import advance
from tasks_app.services.claims import Claim
from tasks_app.states import InstanceState

BATCH = 500


def let_go(*, claim: Claim) -> None:
    """Say that an attempt whose claim was revoked has stopped, so that nothing waits for its lease to end."""
    with db.transaction():
        stopped = ExecutionRecord.objects.filter(
            task_id=claim.task_id,
            number=claim.attempt,
            dispatch_id=claim.dispatch_id,
            revoked_until__gt=clock.database_now(),
        ).update(
            revoked_until=clock.database_now()
        )  # not None: should this process die now, the sweep sees it
    if stopped:
        advance(instance_id=claim.instance_pk, after=[])


def forget_stopped() -> int:
    """Go on with what waited for attempts that have stopped by now; return how many instances."""
    ended = ExecutionRecord.objects.filter(revoked_until__lte=clock.database_now())
    rows = list(ended.order_by("pk").values_list("pk", "task__instance_id", "task__instance__status")[:BATCH])
    waiting = {instance for _, instance, status in rows if status == InstanceState.COMPENSATING}
    for instance_id in sorted(waiting):
        advance(instance_id=instance_id, after=[])
    ExecutionRecord.objects.filter(pk__in=[pk for pk, _, _ in rows]).update(revoked_until=None)
    return len(waiting)
