"""The publish window: how many messages may be out.

About two for each free slot, so that a slot never waits for planning; the rest
stays as rows, in the order that the database keeps. A lost message then costs
seconds and not a backlog, and an urgent task overtakes everything but the few
messages that are out already.
"""

from django.db import connection

from cpds.base.conf import conf
from tasks_app.services.fleet import connected_fleet

_COUNTS = """
SELECT (SELECT COUNT(*) FROM tasks_app_task WHERE status = 'queued' AND published_at IS NOT NULL),
       (SELECT COUNT(*) FROM tasks_app_task WHERE status = 'running' AND lease_expires_at IS NOT NULL
        AND executor <> 'external')
"""
# The states stand in the text, and the columns are named though they always have a value then: so SQLite
# sees that its partial indexes task_queued and task_leases will do, and reads only what is out or runs.


def counts() -> tuple[int, int]:
    """Return how many tasks are published and how many run here, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS)
        queued, running = cursor.fetchone()
    return int(queued), int(running)


def room(*, eager: bool = True) -> int:
    """Return how many messages may go out now.

    Not ``eager``: zero until half the window is free, so that a busy system
    publishes in handfuls and does not plan for every single slot.
    """
    settings = conf()
    queued, running = counts()
    free_slots = max(0, connected_fleet().slots() - running)
    window = max(settings.window_minimum, round(free_slots * settings.window_per_slot))
    free = window - queued
    if not eager and free < window / 2:
        return 0
    return max(0, free)


def has_free_slots() -> bool:
    """Return whether a living worker has nothing to do for one of its slots."""
    queued, running = counts()
    del queued
    return connected_fleet().slots() > running
