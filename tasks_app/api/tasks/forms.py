"""What the endpoints of tasks take."""

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from cpds.api.requests.forms import Form, ProjectForm
from tasks_app.api.instances.filters import instance_of
from tasks_app.planning.definition.spec_types import PRIORITIES
from tasks_app.services.control.task_lists import Wanted
from tasks_app.states import TaskState

STATES: Final = [state.value for state in TaskState]
LONGEST: Final = 200


@extend_schema_field({"oneOf": [{"enum": list(PRIORITIES)}, {"type": "integer", "minimum": 0, "maximum": 9}]})
class PriorityField(serializers.Field[Any, Any, Any, Any]):
    """A word, or a whole number from 0 to 9."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number."""
        text = str(data)
        if text in PRIORITIES:
            return PRIORITIES[text]
        if text.isascii() and text.isdecimal() and len(text) == 1:
            return int(text)
        raise serializers.ValidationError(f"expected {', '.join(PRIORITIES)} or a whole number 0 to 9")

    def to_representation(self, value: Any) -> Any:
        """Return the number."""
        return value


class NewTaskForm(ProjectForm):
    """A task to be created, or many in ``tasks``: the keys of a task in a workflow, and these."""

    task_id = serializers.CharField(required=False, max_length=LONGEST, help_text="without /")
    title = serializers.CharField(required=False, max_length=LONGEST)
    description = serializers.CharField(required=False)
    executor = serializers.CharField(required=False)
    needs = serializers.ListField(child=serializers.CharField(), required=False)
    requires = serializers.ListField(child=serializers.CharField(), required=False)
    tags = serializers.ListField(child=serializers.CharField(), required=False)
    priority = PriorityField(required=False)
    tasks = serializers.ListField(child=serializers.DictField(), required=False, max_length=10_000)


class FilterForm(Form):
    """Which tasks."""

    status = serializers.ListField(child=serializers.ChoiceField(choices=STATES), required=False)
    executor = serializers.CharField(required=False, max_length=LONGEST)
    worker = serializers.CharField(required=False, max_length=LONGEST)
    tag = serializers.CharField(required=False, max_length=LONGEST)
    created_by = serializers.CharField(required=False, max_length=LONGEST)
    priority = PriorityField(required=False)
    instance = serializers.CharField(required=False, max_length=LONGEST)
    created_after = serializers.DateTimeField(required=False)
    created_before = serializers.DateTimeField(required=False)
    search = serializers.CharField(required=False, max_length=LONGEST)
    only_loose = serializers.BooleanField(required=False)


class TaskQuery(FilterForm):
    """Which tasks; ``projectId`` is another name for ``project``, with which the answer counts them."""

    projectId = serializers.CharField(required=False, max_length=64)  # noqa: N815 - a documented client's


class TaskBulkForm(FilterForm, ProjectForm):
    """Which tasks, by their ids or by what they are; ``dry_run`` only says which."""

    ids = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST), required=False, max_length=1_000
    )
    dry_run = serializers.BooleanField(default=False)
    reason = serializers.CharField(default="", allow_blank=True, max_length=1_000)


class TaskReasonForm(ProjectForm):
    """Why."""

    reason = serializers.CharField(default="", allow_blank=True, max_length=1_000)


def wanted_of(given: dict[str, Any], *, projects: frozenset[int] | None, sign: str) -> Wanted:
    """Return what a form of filters asks for in these projects. ``sign`` leads to them in a request.

    :raises InvalidInput: when there is no such instance.
    """
    if "instance" in given:
        found = instance_of(given["instance"], projects=projects, sign=sign)
        given = {**given, "instance": found.public_id}
    return Wanted(**{name: given[name] for name in Wanted.__dataclass_fields__ if name in given})


def narrows(given: dict[str, Any]) -> bool:
    """Return whether a form of filters leaves anything out: ``false`` and an empty list do not."""
    return any(value is not False and value != [] for value in given.values())
