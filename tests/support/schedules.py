"""Schedules in tests: uploaded with a workflow, and made due by setting their rows."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models.functions import Now

from tasks_app.models import Instance, Schedule, ScheduleFire, Workflow
from tasks_app.planning.schedules.cron import Cron, parse_cron
from tasks_app.services.workflows.definitions import upload_workflow
from tests.support.builders import a_task, a_workflow
from tests.support.waiting import wait_until


def a_schedule(
    cron: str = "*/5 * * * *", *tasks: dict[str, Any], name: str = "a-workflow", **more: Any
) -> Schedule:
    """Upload a workflow with a schedule; ``more`` adds keys to the schedule. It is due in its own time."""
    source = a_workflow(*(tasks or [a_task()]), name=name, schedule={"cron": cron, **more})
    uploaded = upload_workflow(source=source.encode())
    return Schedule.objects.get(workflow__public_id=uploaded.workflow_id)


def make_due(schedule: Schedule, *, missed: int = 0) -> None:
    """Make the last time that passed the next to be fired, with as many missed before it."""
    cron, span = parse_cron(schedule.cron), timedelta(minutes=10)
    now = wait_until(lambda: _quiet_moment(cron, schedule.timezone), timeout=30)
    while len(passed := cron.between(now - span, now, timezone=schedule.timezone, limit=10_000)) <= missed:
        span *= 2
    Schedule.objects.filter(pk=schedule.pk).update(next_fire_at=passed[-1 - missed])
    schedule.refresh_from_db()


def _quiet_moment(cron: Cron, timezone: str) -> datetime | None:
    """Return the database's time, unless the schedule is about to come due again while the test looks on."""
    now = Workflow.objects.annotate(at=Now()).values_list("at", flat=True).first()
    assert now is not None
    soon, later = now + timedelta(seconds=3), now + timedelta(seconds=20)
    is_seldom = len(cron.between(now, later, timezone=timezone, limit=2)) < 2
    return None if is_seldom and cron.between(now, soon, timezone=timezone, limit=1) else now


def fires(schedule: Schedule) -> list[str]:
    """Return what came of the schedule's fires, in the order of their times."""
    return list(
        ScheduleFire.objects.filter(schedule=schedule).order_by("fire_at").values_list("outcome", flat=True)
    )


def started(schedule: Schedule) -> list[Instance]:
    """Return the instances of the schedule, oldest first."""
    return list(Instance.objects.filter(schedule=schedule).order_by("pk"))
