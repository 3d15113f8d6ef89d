"""Schedules, kept in step with their workflow's newest version."""

from datetime import datetime

from django.db.models.functions import Now

from cpds.base import db
from tasks_app.models import Schedule, Workflow
from tasks_app.planning.definition.schedule_spec import ScheduleSpec
from tasks_app.services.schedules.beat_sync import sync_periodic_task
from tasks_app.services.schedules.control import set_clock


@db.transaction_required
def keep_schedule(*, workflow: Workflow, spec: ScheduleSpec | None) -> None:
    """Make a workflow's schedule what its newest definition says; without one, remove it.

    A person's pause stays unless the definition says ``paused`` itself, and times
    that are due stay due unless the definition moves them. The caller holds the
    workflow's lock.
    """
    schedule = Schedule.objects.select_related("workflow", "periodic_task").filter(workflow=workflow).first()
    if spec is None:
        if schedule is not None:
            schedule.delete()
            if schedule.periodic_task is not None:
                schedule.periodic_task.delete()
        return
    now = _database_now(workflow)
    is_new = schedule is None
    schedule = schedule or Schedule(workflow=workflow, project_id=workflow.project_id)
    was_paused, was_read = schedule.paused, (schedule.cron, schedule.timezone)
    schedule.cron, schedule.timezone = spec.cron, spec.timezone
    schedule.overlap, schedule.catchup, schedule.params = spec.overlap, spec.catchup, spec.params
    if "paused" in spec.model_fields_set:
        schedule.paused = spec.paused
    if is_new or was_paused != schedule.paused or was_read != (spec.cron, spec.timezone):
        set_clock(schedule=schedule, now=now, reason="the workflow says so")
    schedule.save()
    sync_periodic_task(schedule)


@db.transaction_required
def drop_schedule(workflow: Workflow) -> None:
    """Remove the schedule of a workflow, if it has one, with its periodic task."""
    keep_schedule(workflow=workflow, spec=None)


def _database_now(workflow: Workflow) -> datetime:
    return Workflow.objects.annotate(now=Now()).values_list("now", flat=True).get(pk=workflow.pk)
