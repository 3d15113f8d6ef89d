"""One HTTP request and its answer: how a redirect changes the one, and what is kept of the other."""

import json
import math
import re
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

import httpcore2

from cpds.base.redaction import HIDDEN, is_secret_name, redact_text
from tasks_app.outcomes import JSON
from workers_app.executors.http.destinations import Destination

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_KEEP_METHOD: Final = frozenset({307, 308})
_CONTENT_HEADERS: Final = frozenset({"content-type", "content-language", "content-location"})
_CHARSET = re.compile(r"charset=\"?([\w.:-]+)", re.IGNORECASE)
_MAX_DEPTH: Final = 100
_CHUNK: Final = 1 << 16


class RefusedRedirectError(Exception):
    """A redirect leads where a request must not go."""


class ResponseTooLargeError(Exception):
    """A response, decompressed, is larger than CPDS keeps."""


class BadResponseError(Exception):
    """A response body does not match its own headers."""


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A request. ``headers`` are the user's and the content's, not those of the connection."""

    method: str
    destination: Destination
    headers: tuple[tuple[str, str], ...]
    body: bytes | None

    def redirected(self, status: int, location: str) -> "Outgoing":
        """Return the request a redirect asks for; secrets do not cross origins.

        :raises RefusedRedirectError: when it leads to no http(s) URL, or out of https.
        """
        try:
            destination = self.destination.joined(location)
        except ValueError as error:
            raise RefusedRedirectError(f"the redirect was refused: {error}") from None
        if self.destination.scheme == "https" and destination.scheme == "http":
            raise RefusedRedirectError("the redirect was refused: it leads from https to http")
        following = replace(self, destination=destination)
        if destination.origin != self.destination.origin:
            following = following.without(is_secret_name)
        if status in _KEEP_METHOD or self.method in {"GET", "HEAD"}:
            return following
        if status == 303 or self.method == "POST":
            following = following.without(_CONTENT_HEADERS.__contains__).without("idempotency-key".__eq__)
            return replace(following, method="GET", body=None)
        return following

    def without(self, unwanted: Callable[[str], bool]) -> "Outgoing":
        kept = tuple((name, value) for name, value in self.headers if not unwanted(name.lower()))
        return replace(self, headers=kept)

    def on_the_wire(self) -> httpcore2.Request:
        """Return the request as the protocol library sends it."""
        destination = self.destination
        url = httpcore2.URL(
            scheme=destination.scheme.encode(),
            host=destination.host.encode(),
            port=destination.port,
            target=destination.target,
        )
        headers = self._wire_headers()
        return httpcore2.Request(self.method.encode(), url, headers=headers, content=self.body)

    def _wire_headers(self) -> list[tuple[bytes, bytes]]:
        """Return every header as it is sent, ``Host`` first."""
        own = {name.lower() for name, _ in self.headers}
        defaults = [("accept", "*/*"), ("user-agent", "CPDS")]
        length = [] if self.body is None else [("content-length", str(len(self.body)))]
        headers = [
            ("host", self.destination.authority),
            *self.headers,
            *((name, value) for name, value in defaults if name not in own),
            ("accept-encoding", "gzip"),
            ("connection", "close"),
            *length,
        ]
        return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A response whose body is whole and decompressed. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def output(self) -> dict[str, JSON]:
        """Return the response as a task's output, secrets in its headers hidden."""
        headers = {
            name: HIDDEN if is_secret_name(name) else redact_text(value)
            for name, value in self.headers.items()
        }
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/json" or kind.endswith("+json"):
            try:
                return {"status": self.status, "headers": headers, "json": _parse_json(self.body)}
            except (ValueError, RecursionError):
                pass
        return {"status": self.status, "headers": headers, "text": self._text()}

    def _text(self) -> str:
        named = _CHARSET.search(self.headers.get("content-type", ""))
        try:
            text = self.body.decode(named[1] if named else "utf-8", "replace")
        except (LookupError, ValueError):
            text = self.body.decode("utf-8", "replace")
        return _storable_text(text)


def headers_of(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by lower-case name, those that come several times joined by commas."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), _storable_text(value.decode("utf-8", "replace"))
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def read_body(chunks: Iterable[bytes], *, encoding: str, limit: int) -> bytes:
    """Return the whole body, decompressed; at most one byte more than ``limit`` is ever held.

    :raises ResponseTooLargeError: when it is larger than ``limit``.
    :raises BadResponseError: when it is not encoded as ``encoding`` says.
    """
    body = bytearray()
    for piece in _decoded(chunks, encoding.strip().lower(), limit + 1):
        body += piece
        if len(body) > limit:
            raise ResponseTooLargeError
    return bytes(body)


def _decoded(chunks: Iterable[bytes], encoding: str, limit: int) -> Iterable[bytes]:
    if encoding in {"", "identity"}:
        yield from chunks
        return
    if encoding not in {"gzip", "x-gzip"}:
        raise BadResponseError("its content encoding was not asked for")
    decoder = zlib.decompressobj(wbits=31)
    seen = 0
    try:
        for chunk in chunks:
            data, seen = chunk, seen + len(chunk)
            while data:
                if decoder.eof:
                    decoder = zlib.decompressobj(wbits=31)
                yield decoder.decompress(data, min(_CHUNK, limit))
                data = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
        # All input may be taken while output is still held back by the bound above.
        while not decoder.eof and (rest := decoder.decompress(b"", _CHUNK)):
            yield rest
    except zlib.error:
        raise BadResponseError("its body is not the gzip it says it is") from None
    if seen and not decoder.eof:
        raise BadResponseError("its gzip body breaks off")


def _parse_json(body: bytes) -> JSON:
    return _storable(json.loads(body), 0)


def _storable(value: JSON, depth: int) -> JSON:
    """Return ``value`` as every database stores it.

    :raises ValueError: when it is too deep, or holds a number that is not finite.
    """
    if depth > _MAX_DEPTH or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError
    if isinstance(value, str):
        return _storable_text(value)
    if isinstance(value, list):
        return [_storable(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_storable_text(key): _storable(item, depth + 1) for key, item in value.items()}
    return value


def _storable_text(text: str) -> str:
    """Return ``text`` without NUL and lone surrogates, which PostgreSQL refuses."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
