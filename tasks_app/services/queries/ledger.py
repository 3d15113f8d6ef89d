"""What happened, in one instance or in all of a project: the events of instances."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import cast

from django.db.models import QuerySet

from tasks_app.models import Event, Instance
from tasks_app.services.queries.views.events import EventView

HIDDEN = ("address",)
"""Facts of an event that only the audit shows."""


def events_of_instances(
    *,
    projects: Collection[int] | None = None,
    instance: Instance | None = None,
    kind: str = "",
    task: str = "",
    worker: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> "QuerySet[Event]":
    """Return events of instances. ``kind`` is ``task.failed``, or ``task`` for all that begin so."""
    rows: QuerySet[Event] = Event.objects.filter(instance__isnull=False)
    if projects is not None:
        rows = rows.filter(instance__project__in=sorted(projects))
    if instance is not None:
        rows = rows.filter(instance=instance)
    if kind:
        rows = rows.filter(kind=kind) if "." in kind else rows.filter(kind__startswith=f"{kind}.")
    wanted = {"task__name": task, "worker": worker}
    rows = rows.filter(**{name: value for name, value in wanted.items() if value})
    if since is not None:
        rows = rows.filter(happened_at__gte=since)
    if until is not None:
        rows = rows.filter(happened_at__lt=until)
    return rows.select_related("instance", "task").only(
        *("instance__public_id", "task__name", "kind", "attempt", "worker", "message", "data", "happened_at")
    )


def event_rows(events: Iterable[Event]) -> list[EventView]:
    """Return what is shown of events of instances."""
    return [
        EventView(
            id=event.pk,
            kind=event.kind,
            instance_id=cast("Instance", event.instance).public_id,
            task=event.task.name if event.task is not None else None,
            attempt=event.attempt,
            worker=event.worker or None,
            message=event.message,
            data={name: value for name, value in event.data.items() if name not in HIDDEN},
            happened_at=event.happened_at,
        )
        for event in events
    ]
