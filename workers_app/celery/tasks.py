"""The Celery tasks of the fleet. Names come from ``tasks_app.canvas.names`` and never change."""

from typing import Any

from celery import Task, shared_task
from celery.exceptions import Ignore

from tasks_app.canvas import names
from tasks_app.services.maintenance.firing import fire_due
from tasks_app.services.maintenance.sweep import sweep
from workers_app.attempts.perform import perform
from workers_app.listeners import deliver


@shared_task(name=names.RUN_TASK, bind=True)
def run_task(self: "Task[Any, Any]", /, *, task_id: int, dispatch_id: str, **_unknown: Any) -> None:
    """Perform one task.

    :raises Ignore: when it did not complete, so that Celery starts nothing that follows it.
    """
    worker = self.request.hostname or "unknown"
    if not perform(task_id=task_id, dispatch_id=dispatch_id, worker=worker):
        raise Ignore


@shared_task(name=names.SWEEP)
def run_sweep(**_unknown: Any) -> None:
    """Run the chores once."""
    sweep()


@shared_task(name=names.FIRE_SCHEDULE)
def fire_schedule(*, schedule_id: int, **_unknown: Any) -> None:
    """Fire a schedule if it is due."""
    fire_due(schedule_id)


@shared_task(name=names.DELIVER_EVENTS)
def deliver_events(*, listener: str, instance_id: int, **_unknown: Any) -> None:
    """Tell one listener what happened in one instance."""
    deliver.deliver_events(listener=listener, instance_id=instance_id)
