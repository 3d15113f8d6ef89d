"""Which instances a request means; an unknown workflow or instance is a mistake, like an unknown status."""

from typing import Any, Final

from rest_framework import serializers

from cpds.api.errors import flaw
from cpds.api.requests.forms import Form
from tasks_app.api.status_words import STATES, STATUSES, states_called
from tasks_app.errors import NotFound
from tasks_app.models import Instance
from tasks_app.services.control.selection import Chosen
from tasks_app.services.lookup.by_name import find_instance, find_workflow

ORDERINGS: Final = (
    *("-created_at", "created_at", "-started_at", "started_at", "-finished_at", "finished_at"),
)
STATUS_WORDS: Final = tuple(dict.fromkeys((*STATUSES, *STATES)))


class InstanceFilters(Form):
    """Which instances; a status is a documented word or one of the record's own."""

    status = serializers.ChoiceField(choices=STATUS_WORDS, required=False)
    workflow = serializers.CharField(max_length=200, required=False, help_text="id or name")
    tag = serializers.CharField(max_length=100, required=False, help_text="a tag of one of its tasks")
    created_after = serializers.DateTimeField(required=False, help_text="not before")
    created_before = serializers.DateTimeField(required=False)
    search = serializers.CharField(
        max_length=200, required=False, help_text="the start of an id, or part of a workflow's name"
    )


class InstanceQuery(InstanceFilters):
    """Which instances, in which order."""

    ordering = serializers.ChoiceField(choices=ORDERINGS, default="-created_at")


def instance_of(given: str, *, projects: frozenset[int] | None, sign: str = "?") -> Instance:
    """Return the instance that a filter names by its id. ``sign`` leads to the filter in a request.

    :raises InvalidInput: when there is no such instance in these projects.
    """
    try:
        return find_instance(given=given, projects=projects)
    except NotFound:
        raise flaw(f"{sign}instance", f"there is no instance {given!r}", code="unknown_instance") from None


def chosen_by(asked: dict[str, Any], *, projects: frozenset[int] | None, sign: str = "?") -> Chosen:
    """Return what the filters choose in these projects. ``sign`` leads to them in a request.

    :raises InvalidInput: when there is no such workflow.
    """
    workflow = asked.get("workflow")
    if workflow is not None:
        try:
            workflow = find_workflow(given=workflow, projects=projects).public_id
        except NotFound:
            raise flaw(
                f"{sign}workflow", f"there is no workflow {workflow!r}", code="unknown_workflow"
            ) from None
    return Chosen(
        workflow=workflow,
        states=states_called(asked["status"]) if "status" in asked else (),
        projects=projects,
        created_after=asked.get("created_after"),
        created_before=asked.get("created_before"),
        tag=asked.get("tag", ""),
        search=asked.get("search", ""),
    )
