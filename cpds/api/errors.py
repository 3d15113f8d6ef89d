"""What is wrong with a request, whatever it asked for."""

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from cpds.base.errors import CPDSError


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """One thing wrong with a request.

    ``pointer`` is a JSON pointer into the body (``/tasks/0/name``; an empty one means the
    whole), ``?name`` for a query parameter, or ``header Name``. ``code`` is for machines.
    """

    pointer: str
    code: str
    detail: str


class InvalidInput(CPDSError):
    """The request does not fit; ``flaws`` lists everything wrong with it: correct it and send it again."""

    code = "invalid_input"
    http_status = HTTPStatus.BAD_REQUEST
    sentence = "The request has {count} mistake(s): {summary}."

    def __init__(self, flaws: Iterable[Flaw]) -> None:
        listed = list(flaws)
        first = f"{listed[0].pointer}: {listed[0].detail}".removeprefix(": ").rstrip(".")
        super().__init__(flaws=listed, count=len(listed), summary=first)

    def __reduce__(self) -> "tuple[type[InvalidInput], tuple[()], dict[str, object]]":
        return (type(self), (), self.__dict__)


class UnreadableBody(CPDSError):
    """The body is no JSON: correct it where the sentence says."""

    code = "unreadable_body"
    http_status = HTTPStatus.BAD_REQUEST
    sentence = "The body cannot be read as JSON: {why}."


class BodyTooLarge(CPDSError):
    """The body is larger than this address takes: send less at a time."""

    code = "body_too_large"
    http_status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    sentence = "The body may have at most {most:,} bytes."


class PreconditionFailed(CPDSError):
    """Somebody has changed it since it was read: read it again."""

    code = "precondition_failed"
    http_status = HTTPStatus.PRECONDITION_FAILED
    sentence = "If-Match says {given}, and it is {now} now. Read it again; nothing was changed."


class UnknownAddress(CPDSError):
    """Nothing answers at this address: see ``/docs`` for those that do."""

    code = "unknown_address"
    http_status = HTTPStatus.NOT_FOUND
    sentence = "Nothing answers at {path}. The addresses are listed at /docs."


class DatabaseAway(CPDSError):
    """The database did not answer: try again."""

    code = "database_away"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    retryable = True
    sentence = "The database does not answer at the moment. Try again in some seconds."


class NotSecured(CPDSError):
    """Other machines could reach the server, and nobody has chosen what its tokens are signed with."""

    code = "not_secured"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    sentence = (
        "{host} can be reached by other machines, and SECRET_KEY is {found}. Set it to at least {least} "
        "random characters; python -c 'import secrets; print(secrets.token_urlsafe(48))' prints some."
    )


class TrustTooWide(CPDSError):
    """Requests from this machine need no credentials, which is for a server that only it can reach."""

    code = "trust_too_wide"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    sentence = "{host} can be reached by other machines, and CPDS_TRUST_LOCAL is set. Unset one or the other."


def flaw(pointer: str, detail: str, *, code: str = "invalid") -> InvalidInput:
    """Return the error for a request with one mistake."""
    return InvalidInput(flaws=[Flaw(pointer=pointer, code=code, detail=detail)])
