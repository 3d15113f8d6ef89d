"""Filters of the lists beside Django's own."""

import re
from collections.abc import Iterable
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from tasks_app.states import InstanceState, TaskState

KEY: Final = re.compile("[0-9]{1,18}")


class PinnedFilter(admin.SimpleListFilter):
    """What belongs to one object, named in the address by a link; shown only while it is.

    It never offers a choice, for there may be millions.
    """

    lookup: ClassVar[str]

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:  # noqa: ARG002
        """Return what is pinned."""
        value = self.value()
        return [(value, value)] if value else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """Narrow the list; what cannot exist matches nothing."""
        value = self.value()
        if not value:
            return queryset
        if "\x00" in value:
            return queryset.none()
        return queryset.filter(**{self.lookup: value})


class PinnedKeyFilter(PinnedFilter):
    """The same by a key: a whole number that a database can hold."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list; what is no key matches nothing."""
        value = self.value()
        if value and not KEY.fullmatch(value):
            return queryset.none()
        return super().queryset(request, queryset)


class InstanceFilter(PinnedFilter):
    """Of one instance."""

    title = "instance"
    parameter_name = "instance"
    lookup = "instance__public_id"


class InstanceOfTaskFilter(InstanceFilter):
    """Of one instance, by way of the task."""

    lookup = "task__instance__public_id"


class TaskFilter(PinnedKeyFilter):
    """Of one task, by its key."""

    title = "task"
    parameter_name = "task"
    lookup = "task_id"


class NeededFilter(PinnedKeyFilter):
    """What needs one task, by its key."""

    title = "needed task"
    parameter_name = "needed"
    lookup = "needed_id"


class WorkerFilter(PinnedFilter):
    """Of one worker."""

    title = "worker"
    parameter_name = "worker"
    lookup = "worker"


class WorkflowFilter(PinnedFilter):
    """Of one workflow."""

    title = "workflow"
    parameter_name = "workflow"
    lookup = "workflow__public_id"


class KindFilter(admin.SimpleListFilter):
    """The kinds of events, from the tables of states rather than by reading every event."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:  # noqa: ARG002
        """Return every kind there can be."""
        words = [
            *(f"instance.{each}" for each in InstanceState),
            *(f"task.{each}" for each in TaskState),
            "task.progress",
            "task.log",
            "task.batch",
        ]
        return [(word, word.replace(".", " ")) for word in words]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """Narrow the list to one kind."""
        value = self.value()
        return queryset.filter(kind=value) if value and "\x00" not in value else queryset
