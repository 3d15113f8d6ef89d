"""Pause and resume schedules, here or by switching their periodic task in the admin."""

from datetime import datetime
from typing import Final

from cpds.base import db
from cpds.base.redaction import redact_text
from tasks_app.errors import NotScheduled
from tasks_app.models import Schedule
from tasks_app.planning.engine.cron import parse_cron
from tasks_app.services.access.audit import note_change
from tasks_app.services.lookup.by_name import find_workflow
from tasks_app.services.schedules.beat_sync import hang_bell

BATCH: Final = 500
PAUSE_COLUMNS: Final = ("paused", "paused_at", "pause_reason", "next_fire_at")
IN_THE_ADMIN: Final = "its periodic task was switched off or deleted in the admin"


def pause_schedule(*, given: str, reason: str = "", by: str = "") -> int:
    """Start nothing by itself until resumed; return the schedule's key.

    Times that pass meanwhile are not missed: nothing makes up for them.
    ``given`` is the id or the name of the workflow.

    :raises NotFound: when there is no such workflow.
    :raises NotScheduled: when it has no schedule.
    """
    return _switch(given, paused=True, reason=redact_text(reason), by=by)


def resume_schedule(*, given: str, by: str = "") -> int:
    """Let a paused schedule fire again, from now on; return its key.

    :raises NotFound: when there is no such workflow.
    :raises NotScheduled: when it has no schedule.
    """
    return _switch(given, paused=False, reason="", by=by)


def find_schedule(*, given: str) -> Schedule:
    """Return the schedule of the workflow with this id, this start of an id, or this name.

    :raises NotFound: when there is no such workflow.
    :raises NotScheduled: when it has no schedule.
    """
    workflow = find_workflow(given=given)
    schedule = Schedule.objects.select_related("workflow", "project").filter(workflow=workflow).first()
    if schedule is None:
        raise NotScheduled(workflow=workflow.name)
    return schedule


def follow_the_admin() -> int:
    """Pause and resume schedules whose periodic task somebody switched in the admin; return how many."""
    off = Schedule.objects.with_bell_off().order_by("pk").values_list("pk", flat=True)[:BATCH]
    on = Schedule.objects.with_bell_on().order_by("pk").values_list("pk", flat=True)[:BATCH]
    return sum(_follow(schedule_id) for schedule_id in (*off, *on))


def _follow(schedule_id: int) -> bool:
    with db.transaction():
        schedule = Schedule.objects.locked(schedule_id)
        if schedule is None or not heed_bell(schedule=schedule, now=schedule.asked_at):
            return False
        schedule.save(update_fields=PAUSE_COLUMNS)
    return True


@db.transaction_required
def heed_bell(*, schedule: Schedule, now: datetime) -> bool:
    """Pause or resume if the periodic task says otherwise than the schedule; return whether it did."""
    bell = schedule.periodic_task
    is_on = bell is not None and bell.enabled
    if is_on is not schedule.paused:
        return False
    # Beat writes whole rows back, now and then over a switch made that moment. Switching a task off clears
    # its last run, so one that is on and has run was not switched on by anybody since.
    if is_on and bell is not None and bell.last_run_at is not None:
        hang_bell(schedule=schedule)
        return False
    schedule.paused = not is_on
    set_clock(schedule=schedule, now=now, reason=IN_THE_ADMIN)
    return True


def _switch(given: str, *, paused: bool, reason: str, by: str) -> int:
    found = find_schedule(given=given)
    with db.transaction():
        schedule = Schedule.objects.locked(found.pk)
        if schedule is None:
            raise NotScheduled(workflow=found.workflow.name)
        if schedule.paused is not paused:
            schedule.paused = paused
            set_clock(schedule=schedule, now=schedule.asked_at, reason=reason)
            schedule.save(update_fields=PAUSE_COLUMNS)
            note_change(
                kind="schedule.paused" if paused else "schedule.resumed",
                by=by,
                project=found.project,
                subject=found.workflow.name,
                message=reason,
            )
        hang_bell(schedule=schedule)
    return int(found.pk)


def set_clock(*, schedule: Schedule, now: datetime, reason: str) -> None:
    """Note since when and why it is paused, or what it fires next."""
    if schedule.paused:
        schedule.next_fire_at = None
        if schedule.paused_at is None:
            schedule.paused_at, schedule.pause_reason = now, reason
    else:
        schedule.next_fire_at = parse_cron(schedule.cron).next_after(now, schedule.timezone)
        schedule.paused_at, schedule.pause_reason = None, ""
