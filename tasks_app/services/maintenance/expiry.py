"""What the API keeps for a while only: answers to repeat, and logins that ran out."""

from typing import Final

from cpds.base import clock
from tasks_app.models import IdempotencyKey, Login
from tasks_app.services.lookup.throttle import Throttle

AT_ONCE: Final = 1_000

_throttle = Throttle(every_seconds=60)


def delete_expired() -> int:
    """Delete some of what ran out, once a minute in each process; return how many rows."""
    if not _throttle.take():
        return 0
    deleted = 0
    for model in (IdempotencyKey, Login):
        over = model.objects.filter(expires_at__lt=clock.database_now())
        keys = list(over.values_list("pk", flat=True)[:AT_ONCE])
        if keys:
            deleted += model.objects.filter(pk__in=keys).delete()[0]
    return deleted
