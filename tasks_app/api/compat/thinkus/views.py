"""Routes that clients know from elsewhere: schedule a task, make a contract, deliver a feature.

Each answers ``success``, ``message`` and ``projectId`` beside the envelope's own keys; without
a body each does what it is there for with a sample.
"""

from typing import Any, Final

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cpds.api.requests.forms import Form, read_body
from cpds.api.responses.envelope import ok
from cpds.api.schema.documentation import documented
from cpds.base.view import View
from tasks_app.api.base import Endpoint
from tasks_app.api.compat.thinkus.acts import SAMPLE, Order, sample_contract, schedule_order, start_delivery
from tasks_app.api.idempotency import once
from tasks_app.api.tasks.views import NewTaskView, new_task_view
from tasks_app.api.workflows.contract_forms import FeatureForm, SampleContractForm, parts_of
from tasks_app.api.workflows.contract_views import ContractView, contract_view
from tasks_app.roles import Role
from tasks_app.services.workflows.contracts import create_contract

TAGS: Final = ["Orchestrator (Thinkus)"]
LONGEST: Final = 200
HIGHEST: Final = 9
BESIDE: Final = {"success": bool, "projectId": str}


class ClientForm(Form):
    """A body of these clients: keys that are not known are passed over."""

    takes_others = True
    projectId = serializers.CharField(required=False, max_length=64)  # noqa: N815 - the documented model's


class OrderForm(ClientForm):
    """A task to be done."""

    name = serializers.CharField(default="Develop feature F001", max_length=LONGEST)
    type = serializers.CharField(default="develop", max_length=50)
    featureId = serializers.CharField(default="", allow_blank=True, max_length=90)  # noqa: N815
    priority = serializers.IntegerField(default=5, min_value=0, max_value=2**31 - 1)
    dependencies = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST), default=list, max_length=1_000
    )
    assignedTo = serializers.CharField(default="", allow_blank=True, max_length=90)  # noqa: N815
    params = serializers.DictField(child=serializers.CharField(max_length=2_000), default=dict)


class PostedFeature(FeatureForm):
    """A feature of which its name is enough."""

    takes_others = True
    id = serializers.CharField(required=False, max_length=LONGEST)


class StartForm(ClientForm):
    """A feature to deliver. ``confirmDesign``: whether the second stage waits for a person."""

    feature = PostedFeature(required=False)
    confirmDesign = serializers.BooleanField(required=False, allow_null=True)  # noqa: N815


class DeliveryStartedView(View):
    """The instance that delivers the feature."""

    instance_id: str
    feature: str


class Schedule(Endpoint):
    """``/api/v1/tasks/schedule``."""

    needs = {"POST": Role.OPERATOR}

    @documented("Schedule a task", answer=NewTaskView, body=OrderForm, beside=BESIDE, creates=True, tags=TAGS)
    def post(self, request: Request) -> Response:
        """Create a task; it starts when what it depends on is completed."""
        form = read_body(request, OrderForm)
        project = self.project(form.get("projectId"))
        order = Order(
            name=form["name"],
            task_type=form["type"],
            feature_id=form["featureId"],
            priority=min(form["priority"], HIGHEST),
            dependencies=tuple(form["dependencies"]),
            assigned_to=form["assignedTo"],
            params=form["params"],
        )

        def make() -> Response:
            made = schedule_order(project=project, order=order, by=self.caller.name)
            shown = new_task_view(made)
            return ok(shown, message="Task scheduled", success=True, projectId=project.slug)

        return once(self, make)


class CreateContract(Endpoint):
    """``/api/v1/contracts/create``."""

    needs = {"POST": Role.EDITOR}

    @documented(
        "Create a contract",
        answer=ContractView,
        body=SampleContractForm,
        beside=BESIDE,
        creates=True,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Make the contract of a feature; without a body show that of the sample, made when there is none."""
        form: dict[str, Any] = read_body(request, SampleContractForm) if request.data else {}
        project = self.project(form.get("projectId"))

        def make() -> Response:
            if form:
                row = create_contract(
                    project=project,
                    feature_id=form["featureId"],
                    feature_name=form["featureName"],
                    parts=parts_of(form),
                    by=self.caller.name,
                )
            else:
                row = sample_contract(project=project, by=self.caller.name)
            shown = contract_view(row)
            return ok(shown, message="Contract created", success=True, projectId=project.slug)

        return once(self, make)


class StartWorkflow(Endpoint):
    """``/api/v1/workflow/start``. It stores a workflow and a contract, which is an editor's act."""

    needs = {"POST": Role.EDITOR}

    @documented(
        "Deliver a feature",
        answer=DeliveryStartedView,
        body=StartForm,
        beside=BESIDE,
        creates=True,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Start the eight stages for a feature, in ``feature`` or the body itself, or for a sample."""
        form = read_body(request, StartForm)
        project = self.project(form.get("projectId"))
        feature = form.get("feature") or self._bare_feature(request)

        def make() -> Response:
            instance = start_delivery(
                project=project,
                feature=feature,
                confirm_design=form.get("confirmDesign"),
                by=self.caller.name,
            )
            shown = DeliveryStartedView(instance_id=instance, feature=feature["name"])
            return ok(shown, message="Workflow started", success=True, projectId=project.slug)

        return once(self, make)

    def _bare_feature(self, request: Request) -> dict[str, Any]:
        """Return the feature that the body itself is; the sample, when it is none."""
        if "name" not in request.data:
            return dict(SAMPLE)
        return read_body(request, PostedFeature)
