"""Pause and resume schedules, here or by switching their periodic task in the admin.

A switch in the admin is heard when the row of django-celery-beat is saved or
deleted: before it is, so that locks are taken in the order in which they are
taken everywhere, and within the same transaction, so that both are done or
neither. Beat itself saves no switch (``cpds/beat.py``).
"""

from datetime import datetime
from typing import Any, Final

from django_celery_beat.models import PeriodicTask

from cpds.base import db
from cpds.base.redaction import redact_text
from tasks_app.errors import NotScheduled
from tasks_app.models import Schedule
from tasks_app.planning.schedules.cron import parse_cron
from tasks_app.services.access.audit import note_change
from tasks_app.services.lookup.by_name import find_workflow
from tasks_app.services.schedules.beat_sync import sync_periodic_task

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


def find_schedule(given: str) -> Schedule:
    """Return the schedule of the workflow with this id, this start of an id, or this name.

    :raises NotFound: when there is no such workflow.
    :raises NotScheduled: when it has no schedule.
    """
    workflow = find_workflow(given=given)
    schedule = Schedule.objects.select_related("workflow", "project").filter(workflow=workflow).first()
    if schedule is None:
        raise NotScheduled(workflow=workflow.name)
    return schedule


def follow_saved(*, instance: PeriodicTask, raw: bool = False, **_facts: Any) -> None:
    """Pause or resume the schedule whose periodic task is about to be saved switched."""
    if instance.pk is not None and not raw:
        _follow(instance, is_on=instance.enabled)


def follow_deleted(*, instance: PeriodicTask, **_facts: Any) -> None:
    """Pause the schedule whose periodic task is about to be deleted."""
    _follow(instance, is_on=False)


def _follow(task: PeriodicTask, *, is_on: bool) -> None:
    # Ours to be saved stand as their schedule does, which was stored before them.
    found = Schedule.objects.filter(periodic_task=task, paused=is_on).values_list("pk", flat=True).first()
    if found is None:
        return
    with db.transaction():
        schedule = Schedule.objects.locked(found)
        if schedule is not None:
            _set_paused(schedule, paused=not is_on, reason="" if is_on else IN_THE_ADMIN, by="")


def _switch(given: str, *, paused: bool, reason: str, by: str) -> int:
    found = find_schedule(given)
    with db.transaction():
        schedule = Schedule.objects.locked(found.pk)
        if schedule is None:
            raise NotScheduled(workflow=found.workflow.name)
        _set_paused(schedule, paused=paused, reason=reason, by=by)
        sync_periodic_task(schedule)
    return int(found.pk)


@db.transaction_required
def _set_paused(schedule: Schedule, *, paused: bool, reason: str, by: str) -> None:
    if schedule.paused is paused:
        return
    schedule.paused = paused
    set_clock(schedule=schedule, now=schedule.asked_at, reason=reason)
    schedule.save(update_fields=["paused", "paused_at", "pause_reason", "next_fire_at"])
    note_change(
        kind="schedule.paused" if paused else "schedule.resumed",
        by=by,
        project=schedule.project,
        subject=schedule.workflow.name,
        message=reason,
    )


def set_clock(*, schedule: Schedule, now: datetime, reason: str) -> None:
    """Note since when and why it is paused, or what it fires next."""
    if schedule.paused:
        schedule.next_fire_at = None
        if schedule.paused_at is None:
            schedule.paused_at, schedule.pause_reason = now, reason
    else:
        schedule.next_fire_at = parse_cron(schedule.cron).next_after(now, schedule.timezone)
        schedule.paused_at, schedule.pause_reason = None, ""
