"""Control one instance: pause, resume, cancel, retry, rerun, approve, reject."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final

from django.contrib.auth.models import Group
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cpds.api.errors import flaw
from cpds.api.requests.forms import ProjectForm, read_body
from cpds.api.responses.envelope import created, ok
from cpds.api.schema.documentation import documented
from cpds.base import clock
from cpds.base.view import View, one_of
from tasks_app.api.idempotency import once
from tasks_app.api.resolve import InstanceEndpoint
from tasks_app.api.status_words import STATES, STATUSES, instance_word
from tasks_app.models import Instance
from tasks_app.roles import Role
from tasks_app.services.control.bulk import Action, ControlOptions, control_instance
from tasks_app.services.gates.approvals import Answered, approve, reject
from tasks_app.services.queries.instances import instance_summary
from tasks_app.services.submit.instances import rerun_instance

DONE: Final = {
    Action.PAUSE: "Instance paused",
    Action.RESUME: "Instance resumed",
    Action.CANCEL: "Instance cancelled",
    Action.RETRY: "Instance retried",
}


class ControlForm(ProjectForm):
    """Why; it stands in the ledger beside who."""

    reason = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="")


class PauseForm(ControlForm):
    """How to pause."""

    now = serializers.BooleanField(default=False, help_text="stop running tasks; they start again at resume")
    until = serializers.DateTimeField(required=False, allow_null=True, help_text="resume by itself then")


class CancelForm(ControlForm):
    """How to cancel."""

    drain = serializers.BooleanField(default=False, help_text="let running tasks finish first")
    compensate = serializers.BooleanField(default=False, help_text="then undo what completed")


class RerunForm(ControlForm):
    """From where to run again, with which other parameters, and as which version."""

    params = serializers.DictField(required=False, allow_null=True)
    version = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, allow_null=True, help_text="the origin's by default"
    )

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; ``from`` is a word that Python keeps for itself."""
        return {"from": serializers.CharField(max_length=220, help_text="a task"), **super().get_fields()}


class AnswerForm(ProjectForm):
    """An answer to what a task asks."""

    task = serializers.CharField(
        max_length=220, required=False, allow_blank=True, default="", help_text="needed when several ask"
    )
    comment = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="")


class ApproveForm(AnswerForm):
    """An approval; ``values`` fit the form of the task."""

    values = serializers.DictField(required=False, allow_null=True)


class ActedView(View):
    """What became of an instance."""

    id: str
    message: str
    status: Annotated[str, one_of(STATUSES)]
    state: Annotated[str, one_of(STATES)]


class RerunView(View):
    """The new instance of a rerun."""

    instance_id: str
    origin_id: str
    message: str


class AnsweredView(View):
    """How a question stands; ``changed`` is false when it was answered so before."""

    id: str
    task: str
    answer: str
    changed: bool


class _InstanceControl(InstanceEndpoint):
    needs = {"POST": Role.OPERATOR}
    act: ClassVar[Action]

    def done(self, given: str, how: ControlOptions) -> Response:
        """Act on the instance that the address names, and tell what became of it."""
        key = control_instance(act=self.act, given=self.instance(given).public_id, how=how)
        state = instance_summary(key).status
        return ok(ActedView(id=key, message=DONE[self.act], status=instance_word(state), state=state))


class Pause(_InstanceControl):
    """``/api/v1/instances/{id}/pause``."""

    act = Action.PAUSE

    @documented("Pause an instance", answer=ActedView, body=PauseForm)
    def post(self, request: Request, instance: str) -> Response:
        """Start nothing new in an instance."""
        form = read_body(request, PauseForm)
        until = later(form.get("until"))
        return self.done(
            instance, ControlOptions(by=self.caller.name, reason=form["reason"], now=form["now"], until=until)
        )


class Resume(_InstanceControl):
    """``/api/v1/instances/{id}/resume``."""

    act = Action.RESUME

    @documented("Resume an instance", answer=ActedView, body=ControlForm)
    def post(self, request: Request, instance: str) -> Response:
        """Let a paused instance go on."""
        form = read_body(request, ControlForm)
        return self.done(instance, ControlOptions(by=self.caller.name, reason=form["reason"]))


class Cancel(_InstanceControl):
    """``/api/v1/instances/{id}/cancel``."""

    act = Action.CANCEL

    @documented("Cancel an instance", answer=ActedView, body=CancelForm)
    def post(self, request: Request, instance: str) -> Response:
        """End an instance; what runs is stopped, unless it may finish."""
        form = read_body(request, CancelForm)
        return self.done(
            instance,
            ControlOptions(
                by=self.caller.name,
                reason=form["reason"],
                drain=form["drain"],
                compensate=form["compensate"],
            ),
        )


class Retry(_InstanceControl):
    """``/api/v1/instances/{id}/retry``."""

    act = Action.RETRY

    @documented("Retry an instance", answer=ActedView, body=ControlForm)
    def post(self, request: Request, instance: str) -> Response:
        """Go on with a failed or cancelled instance, from what did not complete."""
        form = read_body(request, ControlForm)
        return self.done(instance, ControlOptions(by=self.caller.name, reason=form["reason"]))


class Rerun(InstanceEndpoint):
    """``/api/v1/instances/{id}/rerun``."""

    needs = {"POST": Role.OPERATOR}

    @documented("Rerun an instance", answer=RerunView, body=RerunForm, status=201, creates=True)
    def post(self, request: Request, instance: str) -> Response:
        """Run an ended instance again from a task on, as a new one that shares the results before."""
        form = read_body(request, RerunForm)
        origin = self.instance(instance)

        def start() -> Response:
            key = rerun_instance(
                given=origin.public_id,
                from_task=form["from"],
                params=form.get("params") or {},
                version=form.get("version"),
                by=self.caller.name,
                reason=form["reason"],
            )
            told = RerunView(instance_id=key, origin_id=origin.public_id, message="Workflow submitted")
            return created(told, location=f"/api/v1/instances/{key}")

        return once(self, start)


class _Answering(InstanceEndpoint):
    needs = {"POST": Role.OPERATOR}

    def who(self, instance: Instance, form: dict[str, Any]) -> dict[str, Any]:
        """Return whose answer it is, to what, as the services of approvals take it."""
        groups = Group.objects.filter(user=self.caller.user_id).values_list("name", flat=True)
        return {
            "given": instance.public_id,
            "task": form["task"],
            "by": self.caller.name,
            "comment": form["comment"],
            "groups": list(groups) if self.caller.user_id is not None else [],
        }


class Approve(_Answering):
    """``/api/v1/instances/{id}/approve``."""

    @documented("Approve a task", answer=AnsweredView, body=ApproveForm)
    def post(self, request: Request, instance: str) -> Response:
        """Let a task that waits for approval go on."""
        form = read_body(request, ApproveForm)
        found = self.instance(instance)
        return ok(_answered(approve(**self.who(found, form), values=form.get("values"))))


class Reject(_Answering):
    """``/api/v1/instances/{id}/reject``."""

    @documented("Reject a task", answer=AnsweredView, body=AnswerForm)
    def post(self, request: Request, instance: str) -> Response:
        """Fail a task that waits for approval."""
        form = read_body(request, AnswerForm)
        return ok(_answered(reject(**self.who(self.instance(instance), form))))


def later(until: datetime | None, pointer: str = "/until") -> datetime | None:
    """Return a time that is still to come.

    :raises InvalidInput: when it is over.
    """
    if until is not None and until <= clock.now():
        raise flaw(pointer, "this time is over")
    return until


def _answered(answer: Answered) -> AnsweredView:
    return AnsweredView(
        id=answer.instance,
        task=answer.task,
        answer=answer.state.value,
        changed=answer.changed,
    )
