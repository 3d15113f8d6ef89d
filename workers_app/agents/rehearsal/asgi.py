"""The little the rehearsal needs on top of ASGI: read a body, send JSON, stream until the client leaves."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY_BYTES: Final = 32 * 1024 * 1024
"""The API's own limit for a request (Messages API reference, read 2026-11)."""


class ClientLeft(Exception):
    """The client closed the connection before the answer was complete."""


class BodyTooLarge(Exception):
    """The request is larger than the API takes."""


class Connection:
    """One request and the way to answer it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.client: str = (scope.get("client") or ("", 0))[0]
        self.headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        self.extra_headers: dict[str, str] = {}
        self._receive = receive
        self._send = send
        self._left = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None

    async def body(self) -> bytes:
        """Return the whole body.

        :raises BodyTooLarge: when it is larger than ``MAX_BODY_BYTES``.
        """
        chunks, size, more = [], 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > MAX_BODY_BYTES:
                raise BodyTooLarge
            more = message.get("more_body", False)
        return b"".join(chunks)

    async def pause(self, seconds: float | None) -> None:
        """Wait ``seconds`` (None: for ever), or until the client leaves.

        :raises ClientLeft: when it did.
        """
        if self._watch is None:
            self._watch = asyncio.create_task(self._wait_for_leaving())
        if seconds == 0:
            await asyncio.sleep(0)
        else:
            await asyncio.wait({self._watch}, timeout=seconds)
        if self._left.is_set():
            raise ClientLeft

    async def send_json(self, status: int, value: Any, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer."""
        body = json.dumps(value, ensure_ascii=False).encode()
        await self.start(status, {"content-length": str(len(body)), **(headers or {})})
        await self.send_chunk(body, last=True)

    async def start(
        self, status: int, headers: Mapping[str, str], *, content_type: str = "application/json"
    ) -> None:
        """Send the head of an answer."""
        every = {"content-type": content_type, **self.extra_headers, **headers}
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in every.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def send_chunk(self, body: bytes, *, last: bool = False) -> None:
        """Send a part of the body."""
        await self._send({"type": "http.response.body", "body": body, "more_body": not last})

    def close(self) -> None:
        """Stop watching the client."""
        if self._watch is not None:
            self._watch.cancel()

    async def _wait_for_leaving(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left.set()
