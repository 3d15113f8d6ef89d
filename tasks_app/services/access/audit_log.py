"""Read what people did: to instances, and to everything else."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Q, QuerySet

from tasks_app.models import Event


def audit_rows(*, projects: Collection[int] | None, **wanted: Any) -> "QuerySet[Event]":
    """Return the events of what people did in these projects (None: everywhere), with what they are about.

    ``wanted`` may hold ``actor``, ``via``, ``kind`` (a whole kind, or its beginning up to
    the dot), ``subject``, ``instance`` (a whole id), ``since`` and ``until``.
    """
    rows = Event.objects.filter(Q(project__isnull=False) | Q(instance__isnull=True))
    if projects is not None:
        rows = rows.filter(project__in=sorted(projects))
    rows = rows.filter(**{way: wanted[name] for name, way in _WAYS.items() if wanted.get(name) is not None})
    if wanted.get("kind"):
        kind = wanted["kind"]
        rows = rows.filter(kind=kind) if "." in kind else rows.filter(kind__startswith=f"{kind}.")
    return rows.select_related("project", "instance", "task")


_WAYS: Mapping[str, str] = {
    "actor": "data__by",
    "via": "data__via",
    "subject": "data__subject",
    "instance": "instance__public_id",
    "since": "happened_at__gte",
    "until": "happened_at__lt",
}


def keep_audit(instances: Collection[int]) -> None:
    """Take what people did to these instances out of their histories, which are about to be deleted.

    It stays in the audit of the project, and says itself which instance and task it was about.
    """
    for event in Event.objects.filter(instance__in=sorted(instances), project__isnull=False).select_related(
        "instance", "task"
    ):
        names = {
            "instance": event.instance.public_id if event.instance else None,
            "task": event.task.name if event.task else None,
        }
        known = {name: value for name, value in names.items() if value}
        Event.objects.filter(pk=event.pk).update(instance=None, task=None, data={**event.data, **known})
