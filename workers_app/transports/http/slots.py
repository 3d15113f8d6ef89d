"""Slots of workers over HTTP: one that said how many tasks it runs at once is given no more than that."""

from collections.abc import Iterator
from contextlib import contextmanager

from cpds.base import db
from tasks_app.services.lookup.running import count_held
from workers_app.errors import SlotsTaken
from workers_app.models import Worker


@contextmanager
def reserve_slot(worker: Worker) -> Iterator[None]:
    """Keep a slot of a worker free for the task that it is given inside, in one transaction with that.

    Its row stays locked, before any instance or task: of two requests it makes at once
    the second counts what the first was given. One that did not tell its slots has no limit.

    :raises SlotsTaken: when it holds as many tasks as it has slots.
    """
    if not worker.is_limited:
        yield
        return
    with db.transaction():
        slots = db.locking(Worker.objects.filter(pk=worker.pk)).values_list("slots", flat=True).first() or 0
        if count_held(worker.holder) >= slots:
            raise SlotsTaken(worker=worker.public_id, slots=slots)
        yield
