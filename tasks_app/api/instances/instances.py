"""Instances: list them, and look at one from every side."""

from typing import Final

from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request

from cpds.api.requests.forms import Form, read_query
from cpds.api.responses.envelope import ok
from cpds.api.responses.etags import etag_of, tagged, unchanged, unless_known
from cpds.api.responses.paging import BrowsePages, OffsetPages
from cpds.api.schema.documentation import CURSOR, LIMIT, OFFSET, browsable, documented
from tasks_app.api.base import Endpoint
from tasks_app.api.instances.filters import InstanceQuery, chosen_by
from tasks_app.api.instances.views import (
    GraphView,
    InstanceDetailView,
    InstanceSummaryView,
    InstanceTaskView,
    detail_view,
    graph_view,
    instance_task_view,
    instance_views,
)
from tasks_app.api.resolve import InstanceEndpoint
from tasks_app.api.status_words import TASK_STATES
from tasks_app.roles import Role
from tasks_app.services.control.selection import chosen_instances
from tasks_app.services.queries.comparison import ComparisonView, compare_instances
from tasks_app.services.queries.graph import instance_graph
from tasks_app.services.queries.polling import change_mark, named_progress, tasks_of
from tasks_app.services.queries.tasks import instance_holds
from tasks_app.services.queries.views.instances import WhyView
from tasks_app.states import TaskState

MOST_TASKS: Final = 10_000
_COLUMN: Final = {"created_at": "pk", "-created_at": "-pk"}
_QUERY_OF_TASKS: Final = frozenset({"project", "format"})


class TasksQuery(Form):
    """Which tasks of an instance."""

    state = serializers.ChoiceField(choices=TASK_STATES, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=MOST_TASKS, default=MOST_TASKS)
    offset = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)


class Instances(Endpoint):
    """``/api/v1/instances``."""

    needs = {"GET": Role.VIEWER}

    @documented(
        "List instances",
        answer=browsable(InstanceSummaryView),
        query=[InstanceQuery, LIMIT, OFFSET, CURSOR],
        description="By limit and offset, with a total; or, by created_at, from cursor to cursor.",
        polled=True,
    )
    def get(self, request: Request) -> HttpResponseBase:
        """List instances, newest first."""
        asked = read_query(request, InstanceQuery)
        chosen = chosen_by(asked, projects=self.projects())
        rows = chosen_instances(chosen).select_related("workflow", "project").defer("params")
        ordering = _COLUMN.get(asked["ordering"], asked["ordering"])
        pages = BrowsePages(ordering=ordering)
        views = instance_views(pages.paginate_queryset(rows, request))
        return unless_known(request, pages.get_paginated_response(views))


class OneInstance(InstanceEndpoint):
    """``/api/v1/instances/{id}``."""

    needs = {"GET": Role.VIEWER}

    @documented("Show an instance", answer=InstanceDetailView, polled=True)
    def get(self, request: Request, instance: str) -> HttpResponseBase:
        """Show how far an instance is."""
        found = self.instance(instance)
        etag = etag_of(found.pk, found.status, *change_mark(found))
        answer = unchanged(request, etag)
        if answer is not None:
            return answer
        return tagged(ok(detail_view(found, progress=named_progress(found))), etag)


class InstanceTasks(InstanceEndpoint):
    """``/api/v1/instances/{id}/tasks``."""

    needs = {"GET": Role.VIEWER}

    @documented(
        "List the tasks of an instance",
        answer=list[InstanceTaskView],
        query=[TasksQuery],
        beside={"total": int, "has_more": bool},
        polled=True,
    )
    def get(self, request: Request, instance: str) -> HttpResponseBase:
        """List the tasks of an instance, in the order of its workflow."""
        asked = read_query(request, TasksQuery, also=_QUERY_OF_TASKS)
        found = self.instance(instance)
        etag = etag_of(found.pk, found.status, *change_mark(found), asked)
        answer = unchanged(request, etag)
        if answer is not None:
            return answer
        states = (TaskState(asked["state"]),) if "state" in asked else ()
        pages = OffsetPages(limit=asked["limit"], offset=asked["offset"])
        tasks = pages.paginate_queryset(tasks_of(instance=found, states=states), request)
        views = [instance_task_view(task) for task in tasks]
        return tagged(ok(views, total=pages.count, has_more=pages.has_more), etag)


class Graph(InstanceEndpoint):
    """``/api/v1/instances/{id}/graph``."""

    needs = {"GET": Role.VIEWER}

    @documented(
        "Show an instance as a graph",
        answer=GraphView,
        polled=True,
    )
    def get(self, request: Request, instance: str) -> HttpResponseBase:
        """Show the nodes and edges of an instance, with their states and times."""
        found = self.instance(instance)
        etag = etag_of(found.pk, found.status, *change_mark(found), "graph")
        answer = unchanged(request, etag)
        if answer is not None:
            return answer
        return tagged(ok(graph_view(found, instance_graph(found))), etag)


class Why(InstanceEndpoint):
    """``/api/v1/instances/{id}/why``."""

    needs = {"GET": Role.VIEWER}

    @documented("Say what an instance waits for", answer=WhyView, polled=True)
    def get(self, request: Request, instance: str) -> HttpResponseBase:
        """Say what holds an instance and its foremost unfinished tasks, and until when."""
        return unless_known(request, ok(instance_holds(self.instance(instance).public_id)))


class CompareQuery(Form):
    """With which other instance."""

    other = serializers.CharField(max_length=40, help_text="its id")


class Compare(InstanceEndpoint):
    """``/api/v1/instances/{id}/compare``."""

    needs = {"GET": Role.VIEWER}

    @documented("Compare two instances", answer=ComparisonView, query=[CompareQuery])
    def get(self, request: Request, instance: str) -> HttpResponseBase:
        """Show two instances task by task, and where their outputs differ."""
        other = read_query(request, CompareQuery)["other"]
        one, two = self.instance(instance), self.instance(other)
        return ok(compare_instances(a=one.public_id, b=two.public_id))
