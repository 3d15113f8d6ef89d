"""What happened in an instance."""

from tasks_app.models import Event
from tasks_app.services.queries.instances import instance_key
from tasks_app.services.queries.values import moment_of
from tasks_app.services.queries.views.events import LoggedEventView


def instance_events(*, given: str, after: int = 0, limit: int = 1000) -> list[LoggedEventView]:
    """Return what happened in an instance since event ``after``, in order.

    :raises NotFound: when there is no such instance.
    """
    rows = (
        Event.objects.filter(instance_id=instance_key(given), id__gt=after)
        .order_by("id")
        .values_list("id", "kind", "task__name", "attempt", "worker", "message", "data", "happened_at")[
            :limit
        ]
    )
    return [
        LoggedEventView(
            id=pk,
            kind=kind,
            task=task,
            attempt=attempt,
            worker=worker or None,
            message=message,
            data=data,
            happened_at=moment_of(at),
        )
        for pk, kind, task, attempt, worker, message, data, at in rows
    ]
