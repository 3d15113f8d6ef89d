"""Schedules: the list of them, and when one fires next."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now

from tasks_app.models import Schedule, ScheduleFire
from tasks_app.planning.schedules.cron import parse_cron
from tasks_app.services.queries.values import moment, moment_of
from tasks_app.services.queries.views.workflows import FireView, NextFiresView, ScheduleView
from tasks_app.services.schedules.control import find_schedule
from tasks_app.states import INSTANCE_UNFINISHED


def list_schedules() -> list[ScheduleView]:
    """Return every schedule: those that fire next first, paused ones last."""
    return sorted(_summaries(Schedule.objects.order_by("workflow__name")), key=_by_next_fire)


def schedule_summary(given: str) -> ScheduleView:
    """Return one row of ``list_schedules``; ``given`` is the id or the name of the workflow.

    :raises NotFound: when there is no such workflow.
    :raises NotScheduled: when it has no schedule.
    """
    return _summaries(Schedule.objects.filter(pk=find_schedule(given).pk))[0]


def next_fires(*, given: str, count: int) -> NextFiresView:
    """Return the times a schedule fires next, each in UTC and as the clock of its time zone shows it.

    Of a paused one: the times it would fire, were it resumed now.

    :raises NotFound: when there is no such workflow.
    :raises NotScheduled: when it has no schedule.
    """
    found = find_schedule(given)
    now = Schedule.objects.annotate(at=Now()).values_list("at", flat=True).get(pk=found.pk)
    cron, zone = parse_cron(found.cron), ZoneInfo(found.timezone)
    times: list[datetime] = []
    while len(times) < count:
        times.append(cron.next_after(times[-1] if times else now, zone))
    return NextFiresView(
        workflow_id=found.workflow.public_id,
        workflow_name=found.workflow.name,
        cron=found.cron,
        timezone=found.timezone,
        paused=found.paused,
        fires=[
            FireView(fire_at=moment_of(each), local=each.astimezone(zone).isoformat(timespec="seconds"))
            for each in times
        ],
    )


def _summaries(rows: QuerySet[Schedule]) -> list[ScheduleView]:
    last = ScheduleFire.objects.filter(schedule=OuterRef("pk")).order_by("-fire_at")
    unfinished = Count("instances", filter=Q(instances__status__in=sorted(INSTANCE_UNFINISHED)))
    return [
        ScheduleView(
            workflow_id=row.workflow.public_id,
            workflow_name=row.workflow.name,
            cron=row.cron,
            timezone=row.timezone,
            overlap=row.overlap,
            catchup=row.catchup,
            params=row.params,
            paused=row.paused,
            paused_at=moment(row.paused_at),
            pause_reason=row.pause_reason,
            next_fire_at=moment(row.next_fire_at),
            last_fired_at=moment(row.last_fired_at),
            last_outcome=row.last_outcome,
            unfinished_instances=row.unfinished,
        )
        for row in rows.select_related("workflow").annotate(
            unfinished=unfinished, last_outcome=Subquery(last.values("outcome")[:1])
        )
    ]


def _by_next_fire(row: ScheduleView) -> tuple[bool, str]:
    return row.next_fire_at is None, row.next_fire_at or ""
