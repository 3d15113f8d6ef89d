"""Up to which event the ledger is complete: nothing at or before it can still appear.

Note [Late events]
The database numbers events when they are written and shows them when they are
committed, so of two transactions that overlap the one with the smaller number may
commit last. A cursor that has moved past it by then would never see it.

On PostgreSQL an INSERT takes a RowExclusiveLock on the table before it draws a
number, and keeps it until its transaction has ended and its rows are visible. So:
take the newest visible event; then list the transactions that hold such a lock;
when all of them have ended, every number up to that event is either visible or
will never be. No assumption about how long a transaction may take is needed: if
one takes too long, nothing is handed on until it has ended.

SQLite has one writer, which takes the lock before it numbers anything: events
become visible in the order of their numbers.
"""

import threading
from typing import Final

from django.db import connection
from django.db.models import Max

from cpds.base import clock
from cpds.base.statements import Statement
from tasks_app.models import Event
from tasks_app.models.sql import FOLDER

PATIENCE_SECONDS: Final = 0.5
PAUSE_SECONDS: Final = 0.005
_WRITERS: Final = Statement("event_writers", folder=FOLDER)
_resting = threading.Event()


def settled_event(instance_id: int | None = None) -> int | None:
    """Return the newest event up to which the ledger is complete; None when that cannot be said right now.

    ``instance_id``: the newest one of that instance. Zero when there is none. Ask
    outside a transaction.
    """
    events = Event.objects.all() if instance_id is None else Event.objects.filter(instance_id=instance_id)
    newest: int = events.aggregate(newest=Max("id"))["newest"] or 0
    if newest == 0 or connection.vendor != "postgresql":
        return newest
    give_up_at = clock.monotonic() + PATIENCE_SECONDS
    unfinished = _writers()
    while unfinished:
        if clock.monotonic() >= give_up_at:
            return None
        _resting.wait(PAUSE_SECONDS)
        unfinished &= _writers()
    return newest


def _writers() -> set[str]:
    return {transaction for (transaction,) in _WRITERS.run()}
