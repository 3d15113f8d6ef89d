"""Leases: how long a worker keeps what it has claimed."""

from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet

from cpds.base import clock, db
from cpds.base.conf import conf
from tasks_app.models import Task
from tasks_app.models.task import TaskQuerySet
from tasks_app.services.lookup.fences import Fence
from tasks_app.states import InstanceState, TaskState


def renew_claims(
    *, worker: str, claims: Collection[Fence] | None = None, lease_seconds: float | None = None
) -> set[Fence]:
    """Extend the leases of what a worker runs (``claims`` None: all of it); return what it still holds.

    They are extended by ``lease_seconds`` from now (None: as the settings say). What is missing
    from the answer was taken back, cancelled or finished: the worker must stop that work.
    """
    if claims is not None and not claims:
        return set()
    with db.transaction():
        # Locked in the order in which everybody locks tasks; an UPDATE alone takes them as it finds them.
        held = _among(db.locking(_running(worker, claims)).order_by("pk"), claims)
        Task.objects.filter(pk__in=[task_id for task_id, _ in held]).update(
            lease_expires_at=clock.database_now_plus(lease_seconds or conf().lease_seconds)
        )
    return held


def held_claims(*, worker: str, claims: Collection[Fence]) -> set[Fence]:
    """Return those of a worker's claims that it still holds."""
    return _among(_running(worker, claims), claims)


def cancelled_among(task_ids: Collection[int]) -> set[int]:
    """Return those of these tasks that were cancelled; what else was lost may go on elsewhere."""
    rows = Task.objects.filter(pk__in=task_ids).values_list("pk", "status", "instance__status")
    return {
        pk
        for pk, status, of_instance in rows
        if status == TaskState.CANCELLED or of_instance == InstanceState.CANCELLED
    }


def _running(worker: str, claims: Collection[Fence] | None) -> TaskQuerySet:
    rows = Task.objects.filter(worker=worker, status=TaskState.RUNNING)
    return rows if claims is None else rows.filter(pk__in=[task_id for task_id, _ in claims])


def _among(rows: QuerySet[Any], claims: Collection[Fence] | None) -> set[Fence]:
    held = {Fence(pk, dispatch_id or "") for pk, dispatch_id in rows.values_list("pk", "dispatch_id")}
    return held if claims is None else held & set(claims)
