"""CPDS's application, and beside it two that do nothing: on one server, in one process."""

from typing import Any

import django

from config import choose_settings

choose_settings()
django.setup(set_prefix=False)

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402 - the settings must have been chosen
from django.test import override_settings  # noqa: E402

from cpds.base.conf import conf  # noqa: E402
from cpds.host.web.bridge import Bridge  # noqa: E402
from tests.benchmarks.http.urls import BODY  # noqa: E402

ASGI, DJANGO = "/bare/asgi", "/bare/django"


def _bridge() -> Bridge:
    return Bridge(
        threads=conf().web_threads,
        long_polls=conf().long_polls,
        body_bytes=conf().body_bytes,
        access_log=False,
    )


product, bare = _bridge(), _bridge()
with override_settings(MIDDLEWARE=[]):
    bare._ordinary = WSGIHandler()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer one connection's scope."""
    if scope["type"] == "http" and scope["path"] == ASGI:
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": BODY})
        return
    await (bare if scope.get("path") == DJANGO else product)(scope, receive, send)
