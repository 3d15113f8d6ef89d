"""Approve or reject what waits for a person: confirm, and the services check who may and what fits."""

import json
from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from cpds.base.errors import CPDSError
from tasks_app.admin.instances.actions import SHOWN, Action, tell
from tasks_app.admin.shared import display
from tasks_app.admin.shared.confirmation import ask, is_confirmed, reason_of
from tasks_app.models import Checkpoint
from tasks_app.outcomes import JSON

DONE: Final = {"approve": "approved", "reject": "rejected"}


def answering(act: str) -> Action:
    """Return the action that approves or rejects the chosen checkpoints, after a page that asks."""

    @admin.action(permissions=["answer"], description=f"{act.capitalize()} the selected checkpoints")
    def action(
        model_admin: Any, request: HttpRequest, queryset: "QuerySet[Checkpoint]"
    ) -> HttpResponse | None:
        keys = list(queryset.order_by("pk").values_list("pk", flat=True))
        # Not the list's own rows: those leave columns out.
        chosen = list(
            Checkpoint.objects.filter(pk__in=keys).select_related("task", "instance").order_by("pk")
        )
        if not is_confirmed(request):
            return _ask(model_admin, request, chosen, act)
        try:
            values = _values(request)
        except ValueError as error:
            return _ask(model_admin, request, chosen, act, problem=str(error))
        refusals = _answer(model_admin, request, chosen, act, values)
        if refusals and len(chosen) == 1:
            return _ask(model_admin, request, chosen, act, problem=refusals[0])
        tell(model_admin, request, refusals)
        return None

    action.__name__ = f"{act}_checkpoints"
    return action


def _ask(
    model_admin: Any, request: HttpRequest, chosen: list[Checkpoint], act: str, *, problem: str = ""
) -> HttpResponse:
    asks_values = act == "approve" and len(chosen) == 1 and chosen[0].form
    return ask(
        model_admin,
        request,
        template="answer",
        title=f"{act.capitalize()} {len(chosen):,} checkpoint{'' if len(chosen) == 1 else 's'}?",
        act=act,
        keys=[each.pk for each in chosen],
        lines=[f"{each.task.name} – {each.instance.public_id} – {each.state}" for each in chosen[:SHOWN]],
        problem=problem,
        form=display.pretty(chosen[0].form) if asks_values else "",
    )


def _values(request: HttpRequest) -> dict[str, JSON] | None:
    text = request.POST.get("values_text", "").strip()
    if not text:
        return None
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"The values are no JSON: {error}") from None
    if not isinstance(values, dict):
        raise ValueError('The values are no JSON object such as {"version": "1.2"}')  # noqa: TRY004 - one kind
    return values


def _answer(
    model_admin: Any,
    request: HttpRequest,
    chosen: list[Checkpoint],
    act: str,
    values: dict[str, JSON] | None,
) -> list[str]:
    """Answer each; return why some were refused."""
    # Imported late: the services read definitions with a heavy library, and every program imports the admin.
    from tasks_app.services.gates import approvals

    reason, refusals, done = reason_of(request), [], 0
    who: dict[str, Any] = {
        "by": request.user.get_username(),
        "groups": list(request.user.groups.values_list("name", flat=True)),
        "comment": reason,
    }
    for each in chosen:
        what = {"given": each.instance.public_id, "task": each.task.name, **who}
        try:
            if act == "approve":
                approvals.approve(**what, values=values)
            else:
                approvals.reject(**what)
        except CPDSError as refusal:
            refusals.append(str(refusal))
            continue
        done += 1
        model_admin.log_change(request, each, DONE[act].capitalize() + (f": {reason}" if reason else ""))
    if done:
        text = f"{done:,} checkpoint{'' if done == 1 else 's'} {DONE[act]}."
        model_admin.message_user(request, text, messages.SUCCESS)
    return refusals
