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


OWN_QUEUES: Final = f"{TASKS_QUEUE}.of."
"""How the queues begin in which tasks of one project wait."""


def queue_of(requirement: str, project: int | None = None) -> str:
    """Return the queue in which tasks of a requirement set wait.

    ``project``: the key of one that some worker is kept for; its tasks wait apart.
    """
    own = TASKS_QUEUE if project is None else f"{OWN_QUEUES}{project}"
    return f"{own}.needs.{requirement}" if requirement else own
