"""The publish window: how many messages may be out.

About two for each free slot, so that a slot never waits for planning; the rest
stays as rows, in the order that the database keeps. A lost message then costs
seconds and not a backlog, and an urgent task overtakes everything but the few
messages that are out already.

Each requirement set has a window of its own, by the free slots of the workers
that can meet it. While nobody can, nothing is published: such tasks stay rows,
and are in nobody's way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from cpds.base.conf import conf
from tasks_app.services.fleet import Hand, connected_fleet
from tasks_app.services.requirements import capabilities_of

_LOOK = """
SELECT 'queued', requirement, COUNT(*) FROM tasks_app_task
 WHERE status = 'queued' AND published_at IS NOT NULL GROUP BY requirement
UNION ALL
SELECT 'running', worker, COUNT(*) FROM tasks_app_task
 WHERE status = 'running' AND lease_expires_at IS NOT NULL AND executor <> 'external' GROUP BY worker
UNION ALL
SELECT 'waiting', name, 1 FROM tasks_app_requirementset
 WHERE EXISTS (SELECT 1 FROM tasks_app_task WHERE requirement = tasks_app_requirementset.name
               AND status = 'pending' AND dispatch_id IS NULL AND ready_at IS NOT NULL)
"""
# The states stand in the text, and the columns are named though they always have a value then: so SQLite
# sees that its partial indexes task_queued, task_leases and task_backlog will do, and reads only what is out,
# runs or waits.


@dataclass(frozen=True, kw_only=True)
class Look:
    """What is out, what runs and what waits, at one moment."""

    queued: Mapping[str, int]
    """By requirement set: how many messages are out."""
    running: Mapping[str, int]
    """By worker: how many tasks it runs."""
    waiting: Sequence[str]
    """The requirement sets, without the empty one, that ready tasks wait for."""

    @property
    def all_running(self) -> int:
        """How many tasks run."""
        return sum(self.running.values())

    def slots(self, requirement: str = "") -> int:
        """Return how many slots the workers have that can meet a requirement set."""
        return connected_fleet().slots() if not requirement else _slots(hands_for(requirement=requirement))

    def free_slots(self, requirement: str = "") -> int:
        """Return how many of those slots are free."""
        if not requirement:
            return max(0, connected_fleet().slots() - self.all_running)
        return sum(
            max(0, hand.slots - self.running.get(hand.holder, 0))
            for hand in hands_for(requirement=requirement)
        )

    def room(self, requirement: str = "", *, eager: bool = True) -> int:
        """Return how many messages for a requirement set may go out now.

        Not ``eager``: zero until half the window is free, so that a busy system
        publishes in handfuls and does not plan for every single slot.
        """
        settings = conf()
        if requirement and not self.slots(requirement):
            return 0
        window = max(settings.window_minimum, round(self.free_slots(requirement) * settings.window_per_slot))
        free = window - self.queued.get(requirement, 0)
        if not eager and free < window / 2:
            return 0
        return max(0, free)


def look() -> Look:
    """Look at what is out, what runs and what waits, in one statement."""
    found: dict[str, dict[str, int]] = {"queued": {}, "running": {}, "waiting": {}}
    with connection.cursor() as cursor:
        cursor.execute(_LOOK)
        for what, name, count in cursor.fetchall():
            found[what][name] = int(count)
    return Look(queued=found["queued"], running=found["running"], waiting=sorted(found["waiting"]))


def hands_for(*, requirement: str) -> list[Hand]:
    """Return the living workers that can meet a requirement set."""
    needed = capabilities_of(requirement=requirement)
    return [hand for hand in connected_fleet().hands() if hand.capabilities >= needed]


def _slots(hands: Sequence[Hand]) -> int:
    return sum(hand.slots for hand in hands)
