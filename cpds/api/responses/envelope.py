"""The two envelopes: ``{code, message, data}`` of ``/api/v1``, ``{success, data|error}`` of ``/api``."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Protocol

from rest_framework.response import Response

from cpds.api.errors import Flaw
from cpds.base.view import View


class FlawView(View):
    """One thing wrong with a request."""

    pointer: str
    code: str
    detail: str


class Refusal(View):
    """Why a request was refused; ``code`` is the HTTP status."""

    code: int
    message: str
    errors: list[FlawView]
    request_id: str


class CompatRefusal(Refusal):
    """The same under ``/api`` without a version."""

    success: bool
    error: str


class Envelope(Protocol):
    """How the answers of a surface are wrapped."""

    def success(self, data: Any, *, message: str) -> dict[str, Any]:
        """Wrap what was asked for; ``None`` is left out."""

    def failure(self, *, status: int, message: str, flaws: Sequence[Flaw], request_id: str) -> Refusal:
        """Wrap why it was refused."""


class NativeEnvelope:
    """``code`` is 0, or the HTTP status of a refusal."""

    def success(self, data: Any, *, message: str = "success") -> dict[str, Any]:
        """Wrap what was asked for."""
        wrapped: dict[str, Any] = {"code": 0, "message": message}
        return wrapped if data is None else {**wrapped, "data": data}

    def failure(self, *, status: int, message: str, flaws: Sequence[Flaw], request_id: str) -> Refusal:
        """Wrap why it was refused."""
        return Refusal(code=status, message=message, errors=_told(flaws), request_id=request_id)


class CompatEnvelope:
    """``success`` says how it went; ``error`` is the sentence."""

    def success(self, data: Any, *, message: str = "") -> dict[str, Any]:
        """Wrap what was asked for."""
        wrapped: dict[str, Any] = {"success": True}
        if message:
            wrapped["message"] = message
        return wrapped if data is None else {**wrapped, "data": data}

    def failure(self, *, status: int, message: str, flaws: Sequence[Flaw], request_id: str) -> Refusal:
        """Wrap why it was refused."""
        return CompatRefusal(
            success=False,
            error=message,
            code=status,
            message=message,
            errors=_told(flaws),
            request_id=request_id,
        )


def _told(flaws: Sequence[Flaw]) -> list[FlawView]:
    return [FlawView(pointer=each.pointer, code=each.code, detail=each.detail) for each in flaws]


NATIVE = NativeEnvelope()
COMPAT = CompatEnvelope()


def envelope_for(path: str) -> Envelope:
    """Return the envelope of the surface that an address belongs to."""
    is_compat = f"{path}/".startswith("/api/") and not f"{path}/".startswith("/api/v1/")
    return COMPAT if is_compat else NATIVE


def ok(
    data: Any = None,
    *,
    status: int = HTTPStatus.OK,
    message: str = "success",
    headers: Mapping[str, str] | None = None,
    **beside: Any,
) -> Response:
    """Return a native answer; ``beside`` are keys that documented clients expect next to ``data``."""
    return Response({**NATIVE.success(data, message=message), **beside}, status=status, headers=headers)


def created(data: Any, *, location: str, message: str = "success", **beside: Any) -> Response:
    """Return the native answer 201 for something that was made and is found at ``location``."""
    return ok(data, status=HTTPStatus.CREATED, message=message, headers={"Location": location}, **beside)


def accepted(data: Any = None, *, message: str = "success") -> Response:
    """Return the native answer 202: it was noted and will be done."""
    return ok(data, status=HTTPStatus.ACCEPTED, message=message)


def no_content() -> Response:
    """Return 204, which has no body."""
    return Response(status=HTTPStatus.NO_CONTENT)


def compat(data: Any = None, *, message: str = "", status: int = HTTPStatus.OK) -> Response:
    """Return an answer in the envelope of ``/api``."""
    return Response(COMPAT.success(data, message=message), status=status)
