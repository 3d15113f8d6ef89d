"""Schedules: kept in step with their workflow's newest version, paused and resumed."""

from datetime import datetime
from typing import Final

from django.db.models.functions import Now

from cpds.base import db
from cpds.base.redaction import redact_text
from tasks_app.errors import NotScheduled
from tasks_app.models import Schedule, Workflow
from tasks_app.planning.cron import parse_cron
from tasks_app.planning.schedule_spec import ScheduleSpec
from tasks_app.services.bells import hang_bell, take_bell_down
from tasks_app.services.lookup import find_workflow

BATCH: Final = 500
PAUSE_COLUMNS: Final = ("paused", "paused_at", "pause_reason", "next_fire_at")
IN_THE_ADMIN: Final = "its periodic task was switched off or deleted in the admin"


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
            take_bell_down(schedule=schedule)
            schedule.delete()
        return
    now = _database_now(workflow)
    is_new = schedule is None
    schedule = schedule or Schedule(workflow=workflow, project_id=workflow.project_id)
    if not is_new:
        _heed_bell(schedule, now=now)
    was_paused, was_read = schedule.paused, (schedule.cron, schedule.timezone)
    schedule.cron, schedule.timezone = spec.cron, spec.timezone
    schedule.overlap, schedule.catchup, schedule.params = spec.overlap, spec.catchup, spec.params
    if "paused" in spec.model_fields_set:
        schedule.paused = spec.paused
    if is_new or was_paused != schedule.paused or was_read != (spec.cron, spec.timezone):
        _set_clock(schedule, now=now, reason="the workflow says so")
    schedule.save()
    hang_bell(schedule=schedule)


@db.transaction_required
def drop_schedule(*, workflow: Workflow) -> None:
    """Remove the schedule of a workflow, if it has one, with its periodic task."""
    keep_schedule(workflow=workflow, spec=None)


def pause_schedule(*, given: str, reason: str = "") -> int:
    """Start nothing by itself until resumed; return the schedule's key.

    Times that pass meanwhile are not missed: nothing makes up for them.
    ``given`` is the id or the name of the workflow.

    :raises NotFound: when there is no such workflow.
    :raises NotScheduled: when it has no schedule.
    """
    return _switch(given, paused=True, reason=redact_text(reason))


def resume_schedule(*, given: str) -> int:
    """Let a paused schedule fire again, from now on; return its key.

    :raises NotFound: when there is no such workflow.
    :raises NotScheduled: when it has no schedule.
    """
    return _switch(given, paused=False, reason="")


def find_schedule(*, given: str) -> Schedule:
    """Return the schedule of the workflow with this id, this start of an id, or this name.

    :raises NotFound: when there is no such workflow.
    :raises NotScheduled: when it has no schedule.
    """
    workflow = find_workflow(given=given)
    schedule = Schedule.objects.select_related("workflow").filter(workflow=workflow).first()
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
        if schedule is None or not _heed_bell(schedule, now=schedule.asked_at):
            return False
        schedule.save(update_fields=PAUSE_COLUMNS)
    return True


def _heed_bell(schedule: Schedule, *, now: datetime) -> bool:
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
    _set_clock(schedule, now=now, reason=IN_THE_ADMIN)
    return True


def _switch(given: str, *, paused: bool, reason: str) -> int:
    found = find_schedule(given=given)
    with db.transaction():
        schedule = Schedule.objects.locked(found.pk)
        if schedule is None:
            raise NotScheduled(workflow=found.workflow.name)
        if schedule.paused is not paused:
            schedule.paused = paused
            _set_clock(schedule, now=schedule.asked_at, reason=reason)
            schedule.save(update_fields=PAUSE_COLUMNS)
        hang_bell(schedule=schedule)
    return int(found.pk)


def _set_clock(schedule: Schedule, *, now: datetime, reason: str) -> None:
    """Note since when and why it is paused, or what it fires next."""
    if schedule.paused:
        schedule.next_fire_at = None
        schedule.paused_at = schedule.paused_at or now
        schedule.pause_reason = reason
    else:
        schedule.next_fire_at = parse_cron(schedule.cron).next_after(now, schedule.timezone)
        schedule.paused_at, schedule.pause_reason = None, ""


def _database_now(workflow: Workflow) -> datetime:
    return Workflow.objects.annotate(now=Now()).values_list("now", flat=True).get(pk=workflow.pk)
