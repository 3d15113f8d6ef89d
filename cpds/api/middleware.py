"""Around every request: its id, where it comes from, what its pages may load, how large it may be."""

import re
import uuid
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from inspect import iscoroutinefunction
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from cpds.api.errors import BodyTooLarge, Flaw
from cpds.api.responses.envelope import envelope_for
from cpds.api.responses.renderers import to_json
from cpds.base.conf import conf
from cpds.base.origin import Origin, coming_from, current_origin

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]
REQUEST_ID: Final = "X-Request-ID"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}\Z")
POLICY_OF_DATA: Final = "default-src 'none'; frame-ancestors 'none'"
POLICY_OF_PAGES: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


@sync_and_async_middleware
def requests_with_an_origin(get_response: GetResponse) -> Any:
    """Give every request an id, its own if that is a plain one, and say from where it comes."""
    if iscoroutinefunction(get_response):

        async def answered_later(request: HttpRequest) -> HttpResponseBase:
            origin = _origin_of(request)
            with coming_from(origin):
                answer = too_large(request) or await get_response(request)
                return _with_id(answer, origin)

        return answered_later

    def answered(request: HttpRequest) -> HttpResponseBase:
        origin = _origin_of(request)
        with coming_from(origin):
            answer = too_large(request) or get_response(request)
            return _with_id(answer, origin)  # type: ignore[arg-type]

    return answered


@sync_and_async_middleware
def pages_with_a_policy(get_response: GetResponse) -> Any:
    """Tell browsers what a page may load: its own files, and nothing written into it."""
    if iscoroutinefunction(get_response):

        async def answered_later(request: HttpRequest) -> HttpResponseBase:
            return _with_policy(await get_response(request))

        return answered_later

    def answered(request: HttpRequest) -> HttpResponseBase:
        return _with_policy(get_response(request))  # type: ignore[arg-type]

    return answered


def is_api(path: str) -> bool:
    """Return whether an address belongs to the API."""
    return f"{path}/".startswith("/api/")


def too_large(request: HttpRequest) -> HttpResponse | None:
    """Return the refusal of a body that says of itself that it is too large; None for others."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    most = conf().body_bytes
    if not is_api(request.path_info) or not length.isdigit() or int(length[:18]) <= most:
        return None
    return refusal(request, BodyTooLarge(most=most))


def refusal(request: HttpRequest, error: Any) -> HttpResponse:
    """Return the answer to a request that no view has seen."""
    return plain_refusal(request, status=error.http_status, code=error.code, message=str(error))


def plain_refusal(request: HttpRequest, *, status: int, code: str, message: str) -> HttpResponse:
    """Return a refusal in the envelope of the address asked for."""
    body = envelope_for(request.path_info).failure(
        status=int(status),
        message=message,
        flaws=[Flaw(pointer="", code=code, detail=message)],
        request_id=current_origin().request_id,
    )
    content = to_json(body)
    return HttpResponse(
        content,
        status=HTTPStatus(status),
        content_type="application/json",
        # The middleware that counts other answers has not seen this one.
        headers={"Content-Length": str(len(content))},
    )


def _origin_of(request: HttpRequest) -> Origin:
    given = request.headers.get(REQUEST_ID, "")
    request_id = given if _REQUEST_ID.match(given) else uuid.uuid4().hex
    via = "admin" if request.path_info.startswith("/admin") else "api"
    return Origin(via=via, address=request.META.get("REMOTE_ADDR", "") or "", request_id=request_id)


def _with_id(answer: HttpResponseBase, origin: Origin) -> HttpResponseBase:
    answer.headers[REQUEST_ID] = origin.request_id
    return answer


def _with_policy(answer: HttpResponseBase) -> HttpResponseBase:
    is_page = answer.headers.get("Content-Type", "").startswith("text/html")
    answer.headers.setdefault("Content-Security-Policy", POLICY_OF_PAGES if is_page else POLICY_OF_DATA)
    return answer
