"""Fire schedules that are due: each time once, whoever notices, and however many notice.

Beat's messages and every sweep come here. Which time is next stands in the schedule's
row; whoever fires it moves that on in the same transaction, under the row's lock,
so the one who comes second finds nothing to do. A crash leaves the fire done with
its instance, or not done and still due.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from django.db import InterfaceError, OperationalError

from cpds.base import db
from cpds.base.conf import conf
from cpds.base.origin import signed
from tasks_app.errors import InvalidParams, NotFired
from tasks_app.models import Event, Instance, Schedule, ScheduleFire
from tasks_app.models.instance import InstanceQuerySet
from tasks_app.planning.schedules.cron import parse_cron
from tasks_app.planning.schedules.firing import Firing, next_firing
from tasks_app.services.publishing.pump import pump
from tasks_app.services.schedules.control import find_schedule
from tasks_app.states import Catchup, FireOutcome, InstanceState, Overlap

logger = logging.getLogger(__name__)

BATCH: Final = 100
MOST_AT_ONCE: Final = 100
"""Times that ``catchup: all`` makes up for after one gap; what is missing beyond that is given up."""
MOST_QUEUED: Final = 100
"""Instances of one schedule that may wait for their turn."""
TRIES: Final = 3
KEPT_DAYS: Final = 30
"""How long a fire stays on record that has no instance, or none any more."""


@dataclass(frozen=True, kw_only=True)
class Fired:
    """What came of one fire. ``instance_id`` is None when nothing was started."""

    outcome: FireOutcome
    note: str
    instance_id: str | None
    fire_at: datetime


class _Turn(Enum):
    """What one look at a schedule came to."""

    NOTHING = auto()
    FIRED = auto()
    PASSED = auto()


def fire_due(schedule_id: int | None = None) -> int:
    """Fire every schedule that is due (or one, if it is); return how many times it was.

    Harmless when several do it at once. A schedule that cannot be fired does not
    keep others from it.
    """
    due = Schedule.objects.due().order_by("next_fire_at", "pk")
    if schedule_id is not None:
        due = due.filter(pk=schedule_id)
    fired = 0
    for key in list(due.values_list("pk", flat=True)[:BATCH]):
        try:
            fired += _fire_all_due(key)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            logger.exception("schedule_not_fired schedule=%s", key)
    if fired:
        _publish_ready()
    return fired


def fire_now(*, given: str, by: str = "") -> Fired:
    """Start an instance of a schedule at once, paused or not; its own times stay as they are.

    What the schedule does about an instance that still runs goes for this one too.
    ``given`` is the id or the name of the workflow.

    :raises NotFound: when there is no such workflow.
    :raises NotScheduled: when it has no schedule.
    :raises NotFired: when an instance of it still runs, or none can be made.
    """
    found = find_schedule(given)
    fire: ScheduleFire | None = None
    for _ in range(TRIES):
        with db.transaction():
            schedule = Schedule.objects.locked(found.pk)
            if schedule is None:
                raise NotFired(workflow=found.workflow.name, why="it was removed this moment")
            in_the_way = _to_cancel(schedule)
            if not in_the_way:
                fire = _fire(schedule, schedule.asked_at, by=by or "a person")
                break
        _cancel(in_the_way)
    if fire is None or fire.instance is None:
        why = fire.note if fire else "instances of it keep starting"
        raise NotFired(workflow=found.workflow.name, why=why)
    db.run_when_committed(_publish_ready)
    return Fired(
        outcome=FireOutcome(fire.outcome),
        note=fire.note,
        instance_id=fire.instance.public_id,
        fire_at=fire.fire_at,
    )


def _fire_all_due(schedule_id: int) -> int:
    fired = 0
    for _ in range(2 * MOST_AT_ONCE + TRIES):  # each may have to cancel first
        turn = _take_turn(schedule_id, may_make_up=fired < MOST_AT_ONCE)
        if turn is _Turn.NOTHING:
            break
        fired += turn is _Turn.FIRED
    return fired


def _take_turn(schedule_id: int, *, may_make_up: bool) -> _Turn:
    """Fire the first time that is due, or give it up, and move on to the next."""
    with db.transaction():
        schedule = Schedule.objects.locked(schedule_id)
        since = schedule.next_fire_at if schedule is not None and not schedule.paused else None
        if schedule is None or since is None or since > schedule.asked_at:
            return _Turn.NOTHING
        firing = _next_firing(schedule, since, may_make_up=may_make_up)
        in_the_way = _to_cancel(schedule) if _is_new(schedule, firing.fire_at) else []
        if not in_the_way:
            return _do(schedule, firing)
    _cancel(in_the_way)
    return _Turn.PASSED


def _is_new(schedule: Schedule, fire_at: datetime | None) -> bool:
    """Return whether there is a time to fire that is not on record: else nothing may be cancelled for it."""
    if fire_at is None:
        return False
    return not ScheduleFire.objects.filter(schedule=schedule, fire_at=fire_at).exists()


def _do(schedule: Schedule, firing: Firing) -> _Turn:
    if firing.missed_at is not None:
        _record(schedule, firing.missed_at, FireOutcome.MISSED, _why_missed(schedule, firing))
    fire = _fire(schedule, firing.fire_at) if firing.fire_at is not None else None
    changes = {"next_fire_at": firing.next_fire_at}
    if fire is not None and fire.instance is not None:
        changes["last_fired_at"] = fire.fire_at
    # Only if nobody moved it: where rows cannot be locked, this is what keeps the second one out.
    Schedule.objects.filter(pk=schedule.pk, next_fire_at=schedule.next_fire_at).update(**changes)
    return _Turn.PASSED if fire is None else _Turn.FIRED


def _next_firing(schedule: Schedule, since: datetime, *, may_make_up: bool) -> Firing:
    return next_firing(
        cron=parse_cron(schedule.cron),
        timezone=schedule.timezone,
        catchup=Catchup(schedule.catchup),
        since=since,
        now=schedule.asked_at,
        grace_seconds=conf().schedule_grace_seconds,
        may_make_up=may_make_up,
    )


@db.transaction_required
def _fire(schedule: Schedule, fire_at: datetime, *, by: str = "") -> ScheduleFire | None:
    """Put a fire on record and start its instance, or tell why not; None when it is on record already."""
    objection = _objection(schedule)
    if objection:
        return _record(schedule, fire_at, FireOutcome.SKIPPED, objection)
    before = _unfinished(schedule).order_by("pk").last() if schedule.overlap == Overlap.QUEUE else None
    outcome = FireOutcome.FIRED if before is None else FireOutcome.QUEUED
    fire = _record(schedule, fire_at, outcome, f"waits for {before.public_id}" if before else "")
    if fire is None:
        return None
    # Imported late: definitions are read with a heavy library, and every worker imports the sweep.
    from tasks_app.services.submit.instances import start_scheduled

    try:
        fire.instance = start_scheduled(schedule)
    except InvalidParams as error:
        fire.outcome, fire.note = FireOutcome.REFUSED, str(error)
        fire.save(update_fields=["outcome", "note"])
        return fire
    fire.save(update_fields=["instance"])
    Event.objects.create(
        instance=fire.instance,
        project_id=schedule.project_id if by else None,
        kind="instance.scheduled",
        message=f"fired by {by}" if by else f"its schedule's time: {fire_at.isoformat()}",
        data=signed({"by": by or "schedule", "fire_at": fire_at.isoformat()}),
    )
    return fire


def _objection(schedule: Schedule) -> str:
    """Return why the schedule must not start another instance now; empty: it may."""
    unfinished = _unfinished(schedule)
    match Overlap(schedule.overlap):
        case Overlap.ALLOW:
            return ""
        case Overlap.QUEUE:
            return "as many wait as may" if unfinished.count() > MOST_QUEUED else ""
        case Overlap.CANCEL_RUNNING | Overlap.SKIP:
            # What is left of those that were cancelled is being undone, and goes on to its end.
            first = unfinished.order_by("pk").first()
            return f"{first.public_id} has not ended" if first else ""


def _to_cancel(schedule: Schedule) -> list[int]:
    """Return the instances to cancel before the schedule starts another."""
    if schedule.overlap != Overlap.CANCEL_RUNNING:
        return []
    ends_by_itself = _unfinished(schedule).exclude(status=InstanceState.COMPENSATING)
    return list(ends_by_itself.order_by("pk").values_list("pk", flat=True))


def _cancel(instance_ids: list[int]) -> None:
    """Cancel instances in transactions of their own; what was found under the lock is not of a later fire."""
    from tasks_app.services.control.cancelling import end_instance

    for instance_id in instance_ids:
        end_instance(
            instance_id=instance_id,
            to=InstanceState.CANCELLED,
            reason="the schedule started the next instance",
            by="schedule",
        )


@db.transaction_required
def _record(schedule: Schedule, fire_at: datetime, outcome: FireOutcome, note: str) -> ScheduleFire | None:
    """Put a fire on record; None when that time is on record already."""
    old = ScheduleFire.objects.filter(schedule=schedule, instance__isnull=True)
    old.filter(fire_at__lt=fire_at - timedelta(days=KEPT_DAYS)).delete()
    fire, is_new = ScheduleFire.objects.get_or_create(
        schedule=schedule, fire_at=fire_at, defaults={"outcome": outcome, "note": note}
    )
    return fire if is_new else None


def _why_missed(schedule: Schedule, firing: Firing) -> str:
    if schedule.catchup == Catchup.ALL:
        return f"more than {MOST_AT_ONCE} were missed: this one and those after it were given up"
    upto = firing.fire_at or firing.next_fire_at
    return f"nobody was there: this one and those before {upto.isoformat()} were given up"


def _unfinished(schedule: Schedule) -> InstanceQuerySet:
    found: InstanceQuerySet = Instance.objects.unfinished().filter(schedule=schedule)
    return found


def _publish_ready() -> None:
    try:
        pump()
    except (OperationalError, InterfaceError) as error:
        # The instances are safe, and the sweep publishes what is ready.
        logger.warning("publishing_postponed error=%s", type(error).__name__)
