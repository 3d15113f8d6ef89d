"""The page between an action and the act: what was chosen, how to do it, and why."""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

REASON_CHARACTERS: Final = 1_000


def is_confirmed(request: HttpRequest) -> bool:
    """Return whether the visitor has seen the page and said yes."""
    return request.POST.get("confirmed") == "yes"


def reason_of(request: HttpRequest) -> str:
    """Return why, as the visitor put it."""
    return request.POST.get("reason", "").strip()[:REASON_CHARACTERS]


def ask(
    model_admin: Any,
    request: HttpRequest,
    *,
    template: str,
    title: str,
    act: str,
    keys: Sequence[int],
    lines: Sequence[str],
    problem: str = "",
    **more: Any,
) -> HttpResponse:
    """Return the page; with a ``problem`` it shows again what was written before."""
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "opts": model_admin.opts,
        "media": model_admin.media,
        "act": act,
        "action": request.POST.get("action", ""),
        "keys": keys,
        "lines": lines,
        "left_out": max(0, len(keys) - len(lines)),
        "checkbox": ACTION_CHECKBOX_NAME,
        "reason_characters": REASON_CHARACTERS,
        "problem": problem,
        "written": request.POST if is_confirmed(request) else {},
        **more,
    }
    return TemplateResponse(request, f"tasks_app/admin/{template}.html", context)
