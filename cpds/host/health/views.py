"""The doors. None of them tells a stranger a version of a server, a host or an address."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.csrf import csrf_exempt

from cpds import __version__
from cpds.api.json_text import as_text
from cpds.api.middleware import plain_refusal
from cpds.base import clock
from cpds.base.conf import conf
from cpds.base.uptime import uptime_text
from cpds.host.health.checks import broker_answers, database_answers

APP = "CPDS"
View = Callable[[HttpRequest], HttpResponse]


def read_only(view: View) -> View:
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
def alive(_request: HttpRequest) -> JsonResponse:
    """Answer that the process answers."""
    return _answer({"status": "alive"})


@csrf_exempt
async def livez(request: HttpRequest) -> HttpResponse:
    """Answer apart from the threads: if requests hang in all of them, a restart would not help."""
    return alive(request)


@read_only
def readyz(_request: HttpRequest) -> JsonResponse:
    """Say whether requests can be served: 503 without the database.

    A broker that is away is told, and does not take the web server out of service:
    what is submitted meanwhile is in the database, and published later.
    """
    database = database_answers()
    return _answer({"status": "ready" if database else "unready", "database": _word(database)}, ok=database)


@read_only
def mode(_request: HttpRequest) -> JsonResponse:
    """Answer ``GET /api/health``, without an envelope."""
    shown = "cloud" if conf().mode == "cloud" else "standalone"
    return _answer({"status": "healthy", "mode": shown})


@read_only
def health(_request: HttpRequest) -> JsonResponse:
    """Answer ``GET /health`` with the keys that clients of several systems look for."""
    database, broker = database_answers(), broker_answers()
    ok = database and broker
    return _answer(
        {
            **_envelope(ok),
            "service": "cpds",
            "database": _word(database),
            "redis": _word(broker),
            "data": {
                "status": _status(ok),
                "version": __version__,
                "uptime": uptime_text(),
                "timestamp": clock.now().isoformat().replace("+00:00", "Z"),
            },
        },
        ok=ok,
    )


@read_only
def health_v1(_request: HttpRequest) -> JsonResponse:
    """Answer ``GET /api/v1/health``."""
    database, broker = database_answers(), broker_answers()
    ok = database and broker
    services = {"database": _word(database), "redis": _word(broker)}
    return _answer(
        {**_envelope(ok), "app": APP, "version": __version__, "services": services, **services},
        ok=ok,
    )


@read_only
def database(_request: HttpRequest) -> JsonResponse:
    """Answer ``GET /api/v1/health/database``."""
    ok = database_answers()
    return _answer({**_envelope(ok), "status": _word(ok)}, ok=ok)


@read_only
def redis(_request: HttpRequest) -> JsonResponse:
    """Answer ``GET /api/v1/health/redis``, which asks whatever the broker is."""
    ok = broker_answers()
    return _answer({**_envelope(ok), "status": _word(ok)}, ok=ok)


def _envelope(ok: bool) -> dict[str, Any]:
    return {
        "status": _status(ok),
        "success": ok,
        "code": 0 if ok else HTTPStatus.SERVICE_UNAVAILABLE.value,
        "message": "success" if ok else "The database or the broker does not answer.",
    }


def _status(ok: bool) -> str:
    return "healthy" if ok else "unhealthy"


def _word(ok: bool) -> str:
    return "connected" if ok else "disconnected"


def _answer(content: dict[str, Any], *, ok: bool = True) -> JsonResponse:
    response = JsonResponse(content, status=HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE)
    add_never_cache_headers(response)
    return response
