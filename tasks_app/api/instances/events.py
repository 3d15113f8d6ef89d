"""What happened: in one instance, as its log, and in all instances."""

from typing import Annotated, Final

from msgspec import Meta
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cpds.api.requests.forms import Form, read_query
from cpds.api.responses.envelope import ok
from cpds.api.responses.paging import CursorPages
from cpds.api.schema.documentation import CURSOR, LIMIT, documented, streamed
from cpds.base.view import View
from tasks_app.api.base import Endpoint
from tasks_app.api.instances.filters import instance_of
from tasks_app.api.resolve import InstanceEndpoint
from tasks_app.cli.instances.views import event_line
from tasks_app.models import Event, Instance
from tasks_app.roles import Role
from tasks_app.services.queries.ledger import event_rows, events_of_instances
from tasks_app.services.queries.views.events import EventView, LogLineView

MOST_EVENTS: Final = 1000
LARGEST_KEY: Final = 2**63 - 1
_OWN_LIMIT: Final = frozenset({"project", "format"})


class WhichEvents(Form):
    """Which events."""

    kind = serializers.RegexField(
        r"^[a-z_]{1,40}(\.[a-z_]{1,40})?$",
        required=False,
        help_text="task.failed, or task for all that begin so",
    )
    task = serializers.CharField(max_length=220, required=False, help_text="the name of a task")
    worker = serializers.CharField(max_length=200, required=False)


class EventsQuery(WhichEvents):
    """Which events of all instances."""

    instance = serializers.CharField(max_length=40, required=False)
    since = serializers.DateTimeField(required=False, help_text="not before")
    until = serializers.DateTimeField(required=False, help_text="before")


class AfterQuery(WhichEvents):
    """Which events of one instance, from where on."""

    after = serializers.IntegerField(min_value=0, max_value=LARGEST_KEY, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=MOST_EVENTS, default=100)


class FollowedEventsView(View):
    """Events, and where to go on."""

    items: list[EventView]
    after: Annotated[int, Meta(description="what to ask with next")]
    has_more: bool


class FollowedLinesView(View):
    """Lines of a log, and where to go on."""

    items: list[LogLineView]
    after: Annotated[int, Meta(description="what to ask with next")]
    has_more: bool


class Events(Endpoint):
    """``/api/v1/events``."""

    needs = {"GET": Role.VIEWER}

    @documented("List events", answer=streamed(EventView), query=[EventsQuery, LIMIT, CURSOR])
    def get(self, request: Request) -> Response:
        """List what happened in instances, newest first."""
        asked = read_query(request, EventsQuery)
        projects = self.projects()
        given = asked.pop("instance", None)
        instance = None if given is None else instance_of(given, projects=projects)
        rows = events_of_instances(projects=projects, instance=instance, **asked)
        pages = CursorPages()
        return pages.get_paginated_response(event_rows(pages.paginate_queryset(rows, request)))


class InstanceEvents(InstanceEndpoint):
    """``/api/v1/instances/{id}/events``."""

    needs = {"GET": Role.VIEWER}

    @documented(
        "Follow the events of an instance",
        answer=FollowedEventsView,
        query=[AfterQuery],
    )
    def get(self, request: Request, instance: str) -> Response:
        """List what happened in an instance after an event, oldest first."""
        events, after, has_more = _after(request, self.instance(instance))
        return ok(FollowedEventsView(items=event_rows(events), after=after, has_more=has_more))


class Logs(InstanceEndpoint):
    """``/api/v1/instances/{id}/logs``."""

    needs = {"GET": Role.VIEWER}

    @documented(
        "Read the log of an instance",
        answer=FollowedLinesView,
        query=[AfterQuery],
    )
    def get(self, request: Request, instance: str) -> Response:
        """Read what happened in an instance as lines, oldest first."""
        events, after, has_more = _after(request, self.instance(instance))
        lines = [_line(event) for event in event_rows(events)]
        return ok(FollowedLinesView(items=lines, after=after, has_more=has_more))


def _after(request: Request, instance: Instance) -> tuple[list[Event], int, bool]:
    asked = read_query(request, AfterQuery, also=_OWN_LIMIT)
    after, limit = asked.pop("after"), asked.pop("limit")
    pages = CursorPages(ordering="pk")
    page = pages.cut(events_of_instances(instance=instance, **asked), after=after, limit=limit)
    return page, page[-1].pk if page else after, pages.has_more


def _line(event: EventView) -> LogLineView:
    return LogLineView(id=event.id, happened_at=event.happened_at, task=event.task, line=event_line(event))
