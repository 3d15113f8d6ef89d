"""Names of the Celery tasks: the seam between the apps.

Canvases are built from names, never from imported functions, so the record does
not import the fleet. A name never changes: workers of an older release still
answer to it.
"""

from typing import Final

RUN_TASK: Final = "cpds.run_task"
"""Perform one task: keyword arguments ``task_id`` and ``dispatch_id``, nothing else."""

SWEEP: Final = "cpds.sweep"
"""Run the chores once."""

FIRE_SCHEDULE: Final = "cpds.fire_schedule"
"""Fire a schedule if it is due: keyword argument ``schedule_id``."""

DELIVER_EVENTS: Final = "cpds.deliver_events"
"""Tell one listener what happened in one instance: keyword arguments ``listener`` and ``instance_id``."""

TASKS_QUEUE: Final = "cpds"
"""Where tasks wait that any worker can perform."""

LISTENERS_QUEUE: Final = "cpds.listeners"
"""Where those messages wait, apart from the tasks'. ``CELERY_TASK_ROUTES`` sends them there."""


def queue_of(requirement: str) -> str:
    """Return the queue in which tasks of a requirement set wait."""
    return f"{TASKS_QUEUE}.needs.{requirement}" if requirement else TASKS_QUEUE
