"""Actions on instances: choose some in the list, confirm, and the services do it one by one."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from cpds.base import clock
from tasks_app.admin.shared.confirmation import ask, is_confirmed, reason_of
from tasks_app.models import Instance

if TYPE_CHECKING:
    from tasks_app.services.control.bulk import ControlOptions

SHOWN: Final = 50
REFUSALS: Final = 20
DONE: Final = {"pause": "paused", "resume": "resumed", "cancel": "cancelled", "retry": "retried"}
WAYS: Final = {
    "pause": (
        ("drain", "Let running tasks finish"),
        ("now", "Stop running tasks; they start again at resume"),
    ),
    "cancel": (("now", "Stop running tasks now"), ("drain", "Let running tasks finish first")),
}
"""How an act may be done; the first way is chosen until another is."""

Action = Callable[[Any, HttpRequest, "QuerySet[Any]"], HttpResponse | None]


def may_control(request: HttpRequest) -> bool:
    """Return whether the visitor may act on instances."""
    return request.user.has_perm("tasks_app.change_instance")


def control_action(act: str) -> Action:
    """Return the action that does ``act`` to the chosen instances, after a page that asks."""

    @admin.action(permissions=["control"], description=f"{act.capitalize()} the selected instances")
    def action(model_admin: Any, request: HttpRequest, queryset: "QuerySet[Instance]") -> HttpResponse | None:
        if not is_confirmed(request):
            return _ask(model_admin, request, queryset, act)
        try:
            how = _how(request)
        except ValueError as error:
            return _ask(model_admin, request, queryset, act, problem=str(error))
        _control(model_admin, request, queryset, act, how)
        return None

    action.__name__ = f"{act}_instances"
    return action


def lines_of(keys: list[int]) -> list[str]:
    """Return a line for each of these instances, at most fifty."""
    # Not the list's own rows: those leave columns out and join others.
    rows = Instance.objects.filter(pk__in=keys[:SHOWN]).select_related("workflow").order_by("pk")
    found = rows.values_list("public_id", "workflow__name", "status")
    return [" – ".join(each) for each in found]


def tell(model_admin: Any, request: HttpRequest, refusals: list[str]) -> None:
    """Show the visitor what was refused, and how much more was."""
    for refusal in refusals[:REFUSALS]:
        model_admin.message_user(request, refusal, messages.WARNING)
    if len(refusals) > REFUSALS:
        more = f"{len(refusals) - REFUSALS:,} more refused."
        model_admin.message_user(request, more, messages.WARNING)


def _ask(
    model_admin: Any, request: HttpRequest, queryset: "QuerySet[Instance]", act: str, *, problem: str = ""
) -> HttpResponse:
    keys = list(queryset.order_by("pk").values_list("pk", flat=True))
    return ask(
        model_admin,
        request,
        template="control",
        title=f"{act.capitalize()} {len(keys):,} instance{'' if len(keys) == 1 else 's'}?",
        act=act,
        keys=keys,
        lines=lines_of(keys),
        problem=problem,
        ways=WAYS.get(act, ()),
    )


def _how(request: HttpRequest) -> "ControlOptions":
    """Return what the visitor chose.

    :raises ValueError: when a time is none, or over.
    """
    # Imported late: the services read definitions with a heavy library, and every program imports the admin.
    from tasks_app.planning.values.moments import parse_later
    from tasks_app.services.control.bulk import ControlOptions

    way, until = request.POST.get("way", ""), request.POST.get("until", "").strip()
    return ControlOptions(
        by=request.user.get_username(),
        reason=reason_of(request),
        now=way == "now",
        drain=way == "drain",
        until=parse_later(until, now=clock.now()) if until else None,
        compensate=request.POST.get("compensate") == "yes",
    )


def _control(
    model_admin: Any, request: HttpRequest, queryset: "QuerySet[Instance]", act: str, how: "ControlOptions"
) -> None:
    from tasks_app.services.control.bulk import Action, control_instances

    keys = list(queryset.values_list("pk", flat=True))
    rows = {
        row.public_id: row for row in Instance.objects.filter(pk__in=keys).only("public_id").order_by("pk")
    }
    refusals: list[str] = []
    done = 0
    for each in control_instances(act=Action(act), instances=rows, how=how):
        if each.refusal:
            refusals.append(each.refusal)
            continue
        done += 1
        model_admin.log_change(request, rows[each.instance], _said(act, how))
    if done:
        text = f"{done:,} instance{'' if done == 1 else 's'} {DONE[act]}."
        model_admin.message_user(request, text, messages.SUCCESS)
    tell(model_admin, request, refusals)


def _said(act: str, how: "ControlOptions") -> str:
    chosen = {
        "now": how.now,
        "drain": how.drain,
        "compensate": how.compensate,
        f"until {how.until:%Y-%m-%d %H:%M} UTC" if how.until else "": how.until,
    }
    ways = ", ".join(word for word, is_chosen in chosen.items() if is_chosen)
    return DONE[act].capitalize() + (f" ({ways})" if ways else "") + (f": {how.reason}" if how.reason else "")
