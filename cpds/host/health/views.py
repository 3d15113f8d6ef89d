"""The endpoints. None of them tells a stranger a version of a server, a host or an address."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.csrf import csrf_exempt
from msgspec.structs import asdict

from cpds import __version__
from cpds.api.json_text import as_text
from cpds.api.middleware import plain_refusal
from cpds.api.responses.renderers import to_json
from cpds.base import clock
from cpds.base.conf import conf
from cpds.base.uptime import uptime_text
from cpds.base.view import View
from cpds.host.health.answers import (
    AWAY,
    AliveView,
    AppView,
    KnownView,
    ModeView,
    ReadyView,
    ServerView,
    ServicesView,
    SystemView,
)
from cpds.host.health.checks import broker_answers, database_answers

APP = "CPDS"
PlainView = Callable[[HttpRequest], HttpResponse]


def read_only(view: PlainView) -> PlainView:
    """Answer other methods than GET and HEAD with 405, in the envelope of the address."""

    @wraps(view)
    def answered(request: HttpRequest) -> HttpResponse:
        if request.method in {"GET", "HEAD"}:
            return view(request)
        message = f"This address is read with GET, and does not know {as_text(request.method or '')}."
        status = HTTPStatus.METHOD_NOT_ALLOWED
        answer = plain_refusal(request, status=status, code="method_not_allowed", message=message)
        answer["Allow"] = "GET, HEAD"
        return answer

    # It changes nothing, and a refusal for lack of a cookie would not say what is wrong.
    return csrf_exempt(answered)


@read_only
def alive(_request: HttpRequest) -> HttpResponse:
    """Answer that the process answers."""
    return _answer(AliveView(status="alive"))


@csrf_exempt
async def livez(request: HttpRequest) -> HttpResponse:
    """Answer apart from the threads: if requests hang in all of them, a restart would not help."""
    return alive(request)


@read_only
def readyz(_request: HttpRequest) -> HttpResponse:
    """Say whether requests can be served: 503 without the database.

    A broker that is away is told, and does not take the web server out of service:
    what is submitted meanwhile is in the database, and published later.
    """
    database = database_answers()
    return _answer(
        ReadyView(status="ready" if database else "unready", database=_word(database)), ok=database
    )


@read_only
def mode(_request: HttpRequest) -> HttpResponse:
    """Answer ``GET /api/health``, without an envelope."""
    shown = "cloud" if conf().mode == "cloud" else "standalone"
    return _answer(ModeView(status="healthy", mode=shown))


@read_only
def health(_request: HttpRequest) -> HttpResponse:
    """Answer ``GET /health`` with the keys that clients of several systems look for."""
    database, broker = database_answers(), broker_answers()
    ok = database and broker
    return _answer(
        SystemView(
            **_checked(ok),
            status=_status(ok),
            service="cpds",
            database=_word(database),
            redis=_word(broker),
            data=KnownView(
                status=_status(ok), version=__version__, uptime=uptime_text(), timestamp=clock.now()
            ),
        ),
        ok=ok,
    )


@read_only
def health_v1(_request: HttpRequest) -> HttpResponse:
    """Answer ``GET /api/v1/health``."""
    database, broker = database_answers(), broker_answers()
    ok = database and broker
    services = ServicesView(database=_word(database), redis=_word(broker))
    return _answer(
        AppView(
            **_checked(ok),
            status=_status(ok),
            app=APP,
            version=__version__,
            services=services,
            **asdict(services),
        ),
        ok=ok,
    )


@read_only
def database(_request: HttpRequest) -> HttpResponse:
    """Answer ``GET /api/v1/health/database``."""
    ok = database_answers()
    return _answer(ServerView(**_checked(ok), status=_word(ok)), ok=ok)


@read_only
def redis(_request: HttpRequest) -> HttpResponse:
    """Answer ``GET /api/v1/health/redis``, which asks whatever the broker is."""
    ok = broker_answers()
    return _answer(ServerView(**_checked(ok), status=_word(ok)), ok=ok)


def _checked(ok: bool) -> dict[str, Any]:
    return {
        "success": ok,
        "code": 0 if ok else HTTPStatus.SERVICE_UNAVAILABLE.value,
        "message": "success" if ok else AWAY,
    }


def _status(ok: bool) -> str:
    return "healthy" if ok else "unhealthy"


def _word(ok: bool) -> str:
    return "connected" if ok else "disconnected"


def _answer(answer: View, *, ok: bool = True) -> HttpResponse:
    status = HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE
    response = HttpResponse(to_json(answer), status=status, content_type="application/json")
    add_never_cache_headers(response)
    return response
