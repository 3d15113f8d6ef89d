"""Rows that nobody uses any more: workers long gone, requirement sets that no task has, what ran out."""

from typing import Final

from django.db.models import Exists, OuterRef

from cpds.base import clock, db
from tasks_app.models import IdempotencyKey, Login, RequirementSet, Task
from tasks_app.services.lookup.fleet import connected_fleet
from tasks_app.services.maintenance.throttle import Throttle

AT_ONCE: Final = 200
EXPIRED_AT_ONCE: Final = 1_000
UNUSED_SECONDS: Final = 86_400.0
"""How long no task of a set has been created: longer than ``FRESH_SECONDS``, and than creating takes."""

_unused = Throttle(every_seconds=600)
_expired = Throttle(every_seconds=60)


def delete_unused() -> int:
    """Delete some of what nobody uses, every ten minutes in each process; return how many rows."""
    if not _unused.ready():
        return 0
    return delete_unused_sets() + connected_fleet().forget_gone(at_most=AT_ONCE)


def delete_unused_sets() -> int:
    """Delete some requirement sets that no task has and none was created with for a day; return how many.

    A set that is wanted again meanwhile is fresh, or its row is locked, by who creates
    its tasks: it is looked at anew under the lock.
    """
    # The exclusion says nothing new; with it the databases see that the index of required tasks will do.
    used = Task.objects.filter(requirement=OuterRef("name")).exclude(requirement="")
    old = RequirementSet.objects.filter(used_at__lt=clock.database_now_plus(-UNUSED_SECONDS))
    unused = old.filter(~Exists(used)).order_by("used_at", "pk")
    deleted = 0
    for name in list(unused.values_list("name", flat=True)[:AT_ONCE]):
        with db.transaction():
            if db.locking(old.filter(name=name)).first() is not None:
                deleted += RequirementSet.objects.filter(~Exists(used), name=name).delete()[0]
    return deleted


def delete_expired() -> int:
    """Delete some answers kept for repeated requests and some logins that ran out, once a minute."""
    if not _expired.ready():
        return 0
    deleted = 0
    for model in (IdempotencyKey, Login):
        over = model.objects.filter(expires_at__lt=clock.database_now())
        keys = list(over.values_list("pk", flat=True)[:EXPIRED_AT_ONCE])
        if keys:
            deleted += model.objects.filter(pk__in=keys).delete()[0]
    return deleted
