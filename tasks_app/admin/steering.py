"""Actions on instances: choose some in the list, confirm, and the services do it one by one."""

from collections.abc import Callable
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from tasks_app.models import Instance

SHOWN: Final = 50
REFUSALS: Final = 20
REASON_CHARACTERS: Final = 1_000
DONE: Final = {"pause": "paused", "resume": "resumed", "cancel": "cancelled", "retry": "retried"}
WAYS: Final = {
    "pause": (
        ("drain", "Let running tasks finish"),
        ("now", "Stop running tasks; they start again at resume"),
    ),
    "cancel": (("now", "Stop running tasks now"), ("drain", "Let running tasks finish first")),
}
"""How an act may be done; the first way is chosen until another is."""

Action = Callable[[Any, HttpRequest, "QuerySet[Instance]"], HttpResponse | None]


def may_steer(request: HttpRequest) -> bool:
    """Return whether the visitor may act on instances."""
    return request.user.has_perm("tasks_app.change_instance")


def steering(act: str) -> Action:
    """Return the action that does ``act`` to the chosen instances, after a page that asks."""

    @admin.action(permissions=["steer"], description=f"{act.capitalize()} the selected instances")
    def action(model_admin: Any, request: HttpRequest, queryset: "QuerySet[Instance]") -> HttpResponse | None:
        if request.POST.get("confirmed") == "yes":
            _steer(model_admin, request, queryset, act)
            return None
        return _ask(model_admin, request, queryset, act)

    action.__name__ = f"{act}_instances"
    return action


def _ask(model_admin: Any, request: HttpRequest, queryset: "QuerySet[Instance]", act: str) -> HttpResponse:
    keys = list(queryset.order_by("pk").values_list("pk", flat=True))
    # Not the list's own rows: those leave columns out and join others.
    shown = Instance.objects.filter(pk__in=keys[:SHOWN]).select_related("workflow").order_by("pk")
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"{act.capitalize()} {len(keys):,} instance{'' if len(keys) == 1 else 's'}?",
        "opts": model_admin.opts,
        "media": model_admin.media,
        "act": act,
        "action": f"{act}_instances",
        "ways": WAYS.get(act, ()),
        "keys": keys,
        "shown": shown.only("public_id", "status", "workflow__name"),
        "left_out": max(0, len(keys) - SHOWN),
        "checkbox": ACTION_CHECKBOX_NAME,
        "reason_characters": REASON_CHARACTERS,
    }
    return TemplateResponse(request, "tasks_app/admin/steer.html", context)


def _steer(model_admin: Any, request: HttpRequest, queryset: "QuerySet[Instance]", act: str) -> None:
    # Imported late: the services read definitions with a heavy library, and every program imports the admin.
    from tasks_app.services.bulk import Act, How, steer_instances

    way = request.POST.get("way", "")
    reason = request.POST.get("reason", "").strip()[:REASON_CHARACTERS]
    how = How(by=request.user.get_username(), reason=reason, now=way == "now", drain=way == "drain")
    keys = list(queryset.values_list("pk", flat=True))
    rows = {
        row.public_id: row for row in Instance.objects.filter(pk__in=keys).only("public_id").order_by("pk")
    }
    refusals: list[str] = []
    done = 0
    for each in steer_instances(act=Act(act), instances=rows, how=how):
        if each.refusal:
            refusals.append(each.refusal)
            continue
        done += 1
        said = DONE[act].capitalize() + (f" ({way})" if way else "") + (f": {reason}" if reason else "")
        model_admin.log_change(request, rows[each.instance], said)
    if done:
        text = f"{done:,} instance{'' if done == 1 else 's'} {DONE[act]}."
        model_admin.message_user(request, text, messages.SUCCESS)
    for refusal in refusals[:REFUSALS]:
        model_admin.message_user(request, refusal, messages.WARNING)
    if len(refusals) > REFUSALS:
        more = f"{len(refusals) - REFUSALS:,} more refused."
        model_admin.message_user(request, more, messages.WARNING)
