"""Every error becomes one shape, with its true status and the request's id; a bug tells nothing else."""

import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from cpds.api.errors import BodyTooLarge, DatabaseAway, Flaw, InvalidInput
from cpds.api.json_text import as_text
from cpds.api.responses.envelope import Envelope, envelope_for
from cpds.base.conf import conf
from cpds.base.errors import CPDSError
from cpds.base.origin import current_origin
from cpds.base.redaction import redact_text
from cpds.base.view import plain

logger = logging.getLogger(__name__)

BUG = "Something went wrong here, and was logged under the id of this request."
RETRY_AFTER_SECONDS = "2"


def answer_error(error: Exception, context: Mapping[str, Any]) -> Response:
    """Return the answer to a request that failed: DRF's exception handler."""
    request = context["request"]
    view = context.get("view")
    envelope: Envelope = getattr(view, "envelope", None) or envelope_for(request.path)
    status, message, flaws, headers = _told(_known(error))
    body = envelope.failure(
        status=status, message=message, flaws=flaws, request_id=current_origin().request_id
    )
    # The schema has a renderer of its own, which knows no views.
    return Response(plain(body), status=status, headers=headers)


def _known(error: Exception) -> Exception:
    """Return an error of Django's or the database's as one of ours."""
    if isinstance(error, RequestDataTooBig):
        return BodyTooLarge(most=conf().body_bytes)
    if isinstance(error, Http404):
        return exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, SuspiciousOperation):
        return exceptions.ParseError()
    if isinstance(error, OperationalError | InterfaceError):
        logger.warning("database_away error=%s", type(error).__name__)
        return DatabaseAway()
    return error


def _told(error: Exception) -> tuple[int, str, list[Flaw], dict[str, str]]:
    if isinstance(error, CPDSError):
        return _foreseen(error)
    if isinstance(error, exceptions.ValidationError):
        return _foreseen(InvalidInput(flaws=flaws_of(error.detail)))
    if isinstance(error, exceptions.APIException):
        return _of_the_framework(error)
    logger.error("request_failed request_id=%s", current_origin().request_id, exc_info=error)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return status, BUG, [Flaw(pointer="", code="internal_error", detail=BUG)], {}


def _foreseen(error: CPDSError) -> tuple[int, str, list[Flaw], dict[str, str]]:
    status = int(error.http_status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and not error.retryable:
        logger.error("request_failed code=%s", error.code, exc_info=error)
    message = as_text(redact_text(str(error)))
    headers = {"Retry-After": RETRY_AFTER_SECONDS} if error.retryable else {}
    flaws = [*error.facts.get("flaws", ()), *_of_problems(error)]
    return status, message, flaws or [Flaw(pointer="", code=error.code, detail=message)], headers


def _of_problems(error: CPDSError) -> Iterator[Flaw]:
    """Yield what is wrong with a definition or with parameters, and what is in the way of an act.

    Both say it in a way of their own.
    """
    for problem in (*error.facts.get("problems", ()), *error.facts.get("obstacles", ())):
        told = problem.to_json()
        place = f"line {told['line']}, column {told['column']}: " if told.get("line") else ""
        hint = f" ({told['hint']})" if told.get("hint") else ""
        yield Flaw(
            pointer=as_text(str(told["pointer"] if "pointer" in told else told["path"])),
            code=str(told["code"]),
            detail=as_text(redact_text(f"{place}{told['message']}{hint}")),
        )


def _of_the_framework(error: exceptions.APIException) -> tuple[int, str, list[Flaw], dict[str, str]]:
    headers = {}
    challenge, wait = getattr(error, "auth_header", None), getattr(error, "wait", None)
    if challenge:
        headers["WWW-Authenticate"] = str(challenge)
    if wait is not None:
        headers["Retry-After"] = f"{max(1, int(wait))}"
    message = (
        as_text(str(error.detail)) if not isinstance(error.detail, dict | list) else error.default_detail
    )
    code = str(error.get_codes()) if isinstance(error.detail, str) else error.default_code
    return error.status_code, str(message), [Flaw(pointer="", code=code, detail=str(message))], headers


def flaws_of(detail: Any, way: str = "") -> list[Flaw]:
    """Return what a serializer found wrong, each with the pointer to it."""
    if isinstance(detail, dict):
        found: list[Flaw] = []
        for key, inner in detail.items():
            step = str(key).replace("~", "~0").replace("/", "~1")
            found += flaws_of(inner, way if key == "non_field_errors" else f"{way}/{as_text(step)}")
        return found
    if isinstance(detail, list | tuple):
        if any(isinstance(each, dict | list) for each in detail):
            # A list of forms: one entry for each, empty where nothing is wrong.
            return [flaw for place, each in enumerate(detail) for flaw in flaws_of(each, f"{way}/{place}")]
        return [flaw for each in detail for flaw in flaws_of(each, way)]
    code = getattr(detail, "code", "invalid")
    return [Flaw(pointer=way, code=str(code), detail=as_text(str(detail)))]
