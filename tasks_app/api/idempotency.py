"""``Idempotency-Key``: a request that comes again is answered as the first time, and done once."""

import hashlib
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec
from django.core.files.uploadedfile import UploadedFile
from rest_framework.response import Response

from cpds.api.errors import flaw
from cpds.api.responses.renderers import to_json
from tasks_app.api.base import PROJECT_HEADER, Endpoint
from tasks_app.services.access.idempotency import Answer, answer_once

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,200}\Z")


def once(
    endpoint: Endpoint, perform: Callable[[], Response], *, kept: Callable[[Any], Any] | None = None
) -> Response:
    """Do what a POST asks for, once for each ``Idempotency-Key``; without the header, each time.

    ``perform`` makes the object and returns the answer; it runs inside the transaction
    that keeps the answer, so that publishing has to wait for its end. ``kept`` returns
    what of the body is kept, where it holds a secret.

    :raises InvalidInput: when the key is none.
    :raises KeyReused: when it was used for something else.
    """
    request = endpoint.request
    key = request.headers.get(HEADER)
    if key is None:
        return perform()
    if not _KEY.match(key):
        raise flaw(f"header {HEADER}", "expected 1 to 200 visible ASCII characters without spaces")
    made: list[Response] = []

    def performed() -> Answer:
        response = perform()
        made.append(response)
        body = response.data if kept is None else kept(response.data)
        return Answer(
            status=response.status_code,
            location=response.headers.get("Location", ""),
            body=to_json(body).decode("utf-8"),
        )

    answer, is_old = answer_once(
        scope=endpoint.caller.key,
        act=f"{request.method} {request.path}"[:200],
        key=key,
        digest=_digest_of(endpoint),
        perform=performed,
    )
    return _again(answer) if is_old else made[0]


def _again(answer: Answer) -> Response:
    headers = {REPLAYED: "true"}
    if answer.location:
        headers["Location"] = answer.location
    return Response(msgspec.json.decode(answer.body), status=answer.status, headers=headers)


def _digest_of(endpoint: Endpoint) -> str:
    """Return what stands for all that was asked: the project named, the query and the body."""
    request = endpoint.request
    asked = hashlib.sha256()
    for part in (request.headers.get(PROJECT_HEADER, ""), request.META.get("QUERY_STRING", "")):
        asked.update(part.encode("utf-8", "replace") + b"\0")
    body = request.data
    if hasattr(body, "lists"):
        body = {name: [_plain(value) for value in values] for name, values in body.lists()}
    asked.update(msgspec.json.encode(body, order="sorted", enc_hook=_plain))
    return asked.hexdigest()


def _plain(value: Any) -> str:
    if isinstance(value, UploadedFile):
        digest = hashlib.sha256(b"".join(value.chunks())).hexdigest()
        value.seek(0)
        return digest
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    return str(value)
