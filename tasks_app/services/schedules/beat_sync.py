"""The rows of django-celery-beat that are made from schedules: seen and switched in the admin like any other.

A schedule is the truth, and its periodic task follows it. Beat's message only
asks whether the schedule is due; its own row decides. So it may come too often
(an expression that restricts the day of month and the day of week has it sent
every day; one with seconds at the minute) and fail to come when clocks jump: the
sweep fires what no message came for.
"""

import json
from typing import Any, Final

from django_celery_beat.models import CrontabSchedule, PeriodicTask

from cpds.base import db
from tasks_app.canvas import names
from tasks_app.models import Schedule
from tasks_app.planning.schedules.cron import Cron, parse_cron
from tasks_app.planning.schedules.cron_fields import CronField

EXPIRES_SECONDS: Final = 60
"""A message that waited longer for a free slot is worth nothing: the sweep was there before it."""


@db.transaction_required
def sync_periodic_task(schedule: Schedule) -> None:
    """Give a schedule, as it is stored, its periodic task, or bring up to date the one it has.

    Beat is told to read its schedule again only if something changed.
    """
    wanted = {
        "name": f"{schedule.workflow.name} ({schedule.workflow.public_id})",
        "task": names.FIRE_SCHEDULE,
        "crontab": _crontab(parse_cron(schedule.cron), schedule.timezone),
        "kwargs": json.dumps({"schedule_id": schedule.pk}),
        "description": f"Starts workflow {schedule.workflow.name} at {schedule.cron}, {schedule.timezone}.",
        "enabled": not schedule.paused,
        "expire_seconds": EXPIRES_SECONDS,
    }
    task = schedule.periodic_task
    if task is None:
        schedule.periodic_task = PeriodicTask.objects.create(**wanted)
        schedule.save(update_fields=["periodic_task"])
    elif any(getattr(task, name) != value for name, value in wanted.items()):
        vars(task).update({name: value for name, value in wanted.items() if name != "crontab"})
        task.crontab = wanted["crontab"]
        task.interval = task.solar = task.clocked = None
        task.save()


def _crontab(cron: Cron, timezone: str) -> Any:
    # Beat asks for both where cron asks for either.
    either_day = cron.day.is_restricted and cron.weekday.is_restricted
    fields = {
        "minute": _text(cron.minute, 60),
        "hour": _text(cron.hour, 24),
        "day_of_month": "*" if either_day else _text(cron.day, 31),
        "month_of_year": _text(cron.month, 12),
        "day_of_week": "*" if either_day else _text(cron.weekday, 7),
        "timezone": timezone,
    }
    # Several rows may be alike: nothing in the database forbids it.
    return CrontabSchedule.objects.filter(**fields).first() or CrontabSchedule.objects.create(**fields)


def _text(field: CronField, possible: int) -> str:
    return "*" if len(field.values) == possible else ",".join(map(str, field.values))
