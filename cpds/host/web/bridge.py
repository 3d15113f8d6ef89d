"""One ASGI application in front of Django: views that wait run in the event loop, all others in threads.

Django answers an ordinary view under ASGI at several times its price under WSGI, because every piece of
middleware crosses between a thread and the event loop. Here a request crosses once each way: its body is
read in the loop, then one thread of a fixed pool performs the whole of it as under WSGI, and keeps its
database connection for the next. A view that says it ``may_wait``, as long polls do, has threads of a pool of
its own, so that those who wait keep nobody from an answer. An ``async def`` view goes to Django's own ASGI
handler, so a stream that stays open for hours holds no thread.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponseBase, StreamingHttpResponse
from django.urls import Resolver404, resolve

from cpds.base.clock import monotonic
from cpds.host.web.environ import environ_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

PROBES = frozenset({"/livez", "/readyz"})
"""Asked every few seconds by whoever runs the server; the access log leaves them out."""

access = logging.getLogger("cpds.host.web.access")


class ClientLeft(Exception):
    """The client closed the connection before its request was whole."""


class Bridge:
    """The application. It does not limit how many requests wait for a thread, only the size of each."""

    def __init__(self, *, threads: int, long_polls: int, body_bytes: int, access_log: bool) -> None:
        self._ordinary = WSGIHandler()
        self._waiting = ASGIHandler()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="web")
        # Beside those who wait there is room for those who are told at once that they cannot.
        self._patient = ThreadPoolExecutor(long_polls + threads, thread_name_prefix="web-poll")
        self._body_bytes = body_bytes
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection's scope."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if not self._access_log or scope["path"] in PROBES:
            await self._answer(scope, receive, send)
            return
        noted = _Noted(send)
        try:
            await self._answer(scope, receive, noted)
        finally:
            noted.log(scope)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        view = _view_at(scope["path"])
        if iscoroutinefunction(view):
            await self._waiting(dict(scope), receive, send)
            return
        try:
            body, length = await self._body(scope, receive)
        except ClientLeft:
            return
        if length > len(body):
            send = _Closing(send)
        loop = asyncio.get_running_loop()
        environ = environ_of(scope, BytesIO(body), announced=length)
        threads = self._patient if _may_wait(view) else self._threads
        await loop.run_in_executor(threads, self._perform, loop, environ, send)

    async def _body(self, scope: Scope, receive: Receive) -> tuple[bytes, int]:
        """Return the body and its length.

        Of one that is too large nothing is kept, and the length is what is known of it: the
        application refuses it by that, in its own form.
        """
        announced = _announced(scope)
        if announced > self._body_bytes:
            return b"", announced
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            body += message.get("body", b"")
            if len(body) > self._body_bytes:
                return b"", len(body)
            if not message.get("more_body", False):
                return bytes(body), len(body)

    def _perform(self, loop: asyncio.AbstractEventLoop, environ: dict[str, Any], send: Send) -> None:
        """Perform the whole request in this thread, and hand its answer to the loop."""

        async def say(*messages: Mapping[str, Any]) -> None:
            for message in messages:
                await send(message)

        def tell(*messages: Mapping[str, Any]) -> None:
            asyncio.run_coroutine_threadsafe(say(*messages), loop).result()

        response = self._ordinary(environ, _ignore_start)
        try:
            start = _start_of(response)
            if isinstance(response, StreamingHttpResponse):
                tell(start)
                for chunk in response:
                    tell({"type": "http.response.body", "body": chunk, "more_body": True})
                tell({"type": "http.response.body"})
            else:
                tell(start, {"type": "http.response.body", "body": getattr(response, "content", b"")})
        finally:
            response.close()  # ends the request for Django, which looks after the database connection

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        # Not waited for: what still runs then is past its grace, and the process must end.
        for threads in (self._threads, self._patient):
            threads.shutdown(wait=False, cancel_futures=True)
        await send({"type": "lifespan.shutdown.complete"})


class _Noted:
    """Sends on what it is given, and notes what the access log says of it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._started_at = monotonic()
        self._status = 0
        self._bytes = 0

    async def __call__(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
        self._bytes += len(message.get("body", b""))
        await self._send(message)

    def log(self, scope: Scope) -> None:
        """Write one line, without the query: what a client puts there may be secret."""
        access.info(
            "request method=%s path=%r status=%d ms=%.1f bytes=%d peer=%s",
            scope["method"],
            scope["path"],
            self._status,
            (monotonic() - self._started_at) * 1000,
            self._bytes,
            (scope.get("client") or ("-",))[0],
        )


class _Closing:
    """Sends on an answer after which the connection is closed: the rest of the body is not read."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        await self._send(message)


def _announced(scope: Scope) -> int:
    given = dict(scope["headers"]).get(b"content-length", b"")
    return int(given) if given.isdigit() else 0


def _view_at(path: str) -> Callable[..., Any] | None:
    """Return what answers at ``path``; None when nothing does."""
    with contextlib.suppress(Resolver404):
        view: Callable[..., Any] = resolve(path).func
        return view
    return None


def _may_wait(view: Callable[..., Any] | None) -> bool:
    return bool(getattr(getattr(view, "cls", None), "may_wait", False))


def _start_of(response: HttpResponseBase) -> Mapping[str, Any]:
    headers = [(name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in response.items()]
    headers += [
        (b"set-cookie", cookie.output(header="").strip().encode("latin-1"))
        for cookie in response.cookies.values()
    ]
    return {"type": "http.response.start", "status": response.status_code, "headers": headers}


def _ignore_start(
    _status: str, _headers: list[tuple[str, str]], _failure: Any = None, /
) -> Callable[[bytes], object]:
    """Take what WSGI would start the answer with: the response itself says it."""
    return len
