"""Give a task to the HTTP worker that asks for it. Its claim is like any other, under its own dispatch."""

from cpds.base import db
from cpds.base.conf import conf
from tasks_app.errors import NotOffered, StaleDispatch
from tasks_app.models import Instance, Task
from tasks_app.services.attempts.claims import Claim, claim_without_message
from tasks_app.services.attempts.leases import renew_claims
from tasks_app.services.http_workers.offers import is_lent
from tasks_app.services.publishing.limits import is_limited, places_left
from tasks_app.services.publishing.release import release_followers
from tasks_app.states import EXTERNAL, InstanceState, TaskState


def assign(*, task: Task, worker: str, lease_seconds: float | None = None) -> Claim:
    """Give a pending task to a worker for one lease; among any number of workers one gets it.

    ``lease_seconds``: of a worker that is heard of too seldom for the usual lease.

    :raises NotOffered: when it is not pending, or not for workers that speak HTTP.
    """
    try:
        claim = _claimed(task, worker)
    except StaleDispatch:
        task.refresh_from_db()
        raise NotOffered(task_id=task.address, why=_why_not(task)) from None
    if lease_seconds is not None and lease_seconds > conf().lease_seconds:
        # Should this be lost, the worker's next heartbeat is in time if it comes within the usual lease.
        renew_claims(worker=worker, claims=[claim.fence], lease_seconds=lease_seconds)
    return claim


def _claimed(task: Task, worker: str) -> Claim:
    is_own = task.executor == EXTERNAL
    if is_own and not is_limited(task.instance):
        return claim_without_message(task_id=task.pk, worker=worker)
    if not is_own and not is_lent(task):
        raise NotOffered(task_id=task.address, why=_why_not(task))
    with db.transaction():
        instance = Instance.objects.locked(task.instance_id)
        status, dispatch_id = (TaskState.PENDING, None) if is_own else _before(task)
        if status == TaskState.PENDING:
            _check_room(task, instance)
        claim = claim_without_message(task_id=task.pk, worker=worker, is_lent=not is_own)
        if dispatch_id:
            # What was to follow in the canvas of the message that is stale now.
            release_followers(instance_id=task.instance_id, dispatch_ids=[dispatch_id])
        return claim


def _before(task: Task) -> tuple[str, str | None]:
    row = Task.objects.filter(pk=task.pk).values_list("status", "dispatch_id").first()
    return row or (TaskState.PENDING, None)


def _check_room(task: Task, instance: Instance | None) -> None:
    """Refuse to start more of an instance, its workflow or its project than may be at once."""
    if instance is not None and places_left(instance=instance, requirements=[""])("") <= 0:
        why = "of its instance, its workflow or its project no more may be at once than are on their way"
        raise NotOffered(task_id=task.address, why=why)


def _why_not(task: Task) -> str:
    if task.status != TaskState.PENDING:
        return f"it is {task.status}"
    if task.executor != EXTERNAL and not is_lent(task):
        return f"it is performed by {task.executor}, not by a worker that speaks HTTP"
    if task.instance.status != InstanceState.RUNNING:
        return f"its instance is {task.instance.status}"
    return "it waits for something else first"
