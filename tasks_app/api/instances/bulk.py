"""Control many instances in one request, chosen by filters; or only say which would be."""

from typing import Final

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cpds.api.requests.forms import read_body
from cpds.api.responses.envelope import ok
from cpds.api.schema.documentation import documented
from cpds.base.view import View
from tasks_app.api.base import Endpoint
from tasks_app.api.instances.control import CancelForm, PauseForm, later
from tasks_app.api.instances.filters import InstanceFilters, chosen_by
from tasks_app.roles import Role
from tasks_app.services.control.bulk import Action, ControlOptions, choose_instances, control_instances

MOST: Final = 1000
"""Instances that one request controls; ``has_more`` says that others are left."""


class BulkForm(PauseForm, CancelForm):
    """What to do with which instances. Without a status: with those that the action is meant for."""

    action = serializers.ChoiceField(choices=[act.value for act in Action])
    filter = InstanceFilters(help_text="which; an empty one means all of the project")
    dry_run = serializers.BooleanField(default=False, help_text="only say which would be chosen")
    limit = serializers.IntegerField(min_value=1, max_value=MOST, default=MOST)


class RefusedView(View):
    """An instance with which nothing was done, and why."""

    id: str
    message: str


class BulkView(View):
    """What was chosen, what was done with, what refused. ``has_more``: others fit, too."""

    dry_run: bool
    count: int
    has_more: bool
    instances: list[str]
    done: list[str]
    refused: list[RefusedView]


class Bulk(Endpoint):
    """``/api/v1/instances/bulk``."""

    needs = {"POST": Role.OPERATOR}

    @documented("Control many instances", answer=BulkView, body=BulkForm)
    def post(self, request: Request) -> Response:
        """Pause, resume, cancel or retry the instances that a filter chooses, oldest first."""
        form = read_body(request, BulkForm)
        act = Action(form["action"])
        how = ControlOptions(
            by=self.caller.name,
            reason=form["reason"],
            now=form["now"],
            until=later(form.get("until")),
            drain=form["drain"],
            compensate=form["compensate"],
        )
        chosen = chosen_by(form["filter"], projects=self.controlled(), sign="/filter/")
        ids = choose_instances(chosen=chosen, act=act, at_most=form["limit"] + 1)
        instances = ids[: form["limit"]]
        controlled = [] if form["dry_run"] else list(control_instances(act=act, instances=instances, how=how))
        return ok(
            BulkView(
                dry_run=form["dry_run"],
                count=len(instances),
                has_more=len(ids) > len(instances),
                instances=instances,
                done=[each.instance for each in controlled if not each.refusal],
                refused=[
                    RefusedView(id=each.instance, message=each.refusal) for each in controlled if each.refusal
                ],
            )
        )

    def controlled(self) -> frozenset[int] | None:
        """Return the keys of the projects in which the caller may control; None: all.

        :raises Forbidden: when the caller's role in the one named is less.
        """
        if self.named_project():
            return frozenset({self.project().pk})
        projects = self.projects()
        if projects is None:
            return None
        return frozenset(key for key in projects if self.caller.may(self.role, key))
