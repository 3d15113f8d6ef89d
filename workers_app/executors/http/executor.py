"""Call an HTTP API: public hosts only, bounded in time, size and redirects."""

import ssl
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import ClassVar, Final

import httpcore2
import httpx2

from cpds.base import clock
from cpds.base.conf import Conf
from tasks_app.outcomes import JSON, Completed, Failed, Interrupted, Outcome
from workers_app.executors.arguments import bad_input, check_against, parse_arguments
from workers_app.executors.contract import ArgumentProblem, Call
from workers_app.executors.http.arguments import HttpRequestArguments
from workers_app.executors.http.messages import (
    REDIRECTS,
    Answer,
    BadResponseError,
    Outgoing,
    RefusedRedirectError,
    ResponseTooLargeError,
    headers_of,
    read_body,
)
from workers_app.executors.http.network import CheckingBackend, RefusedAddressError, Resolver, resolve
from workers_app.executors.watching import CallCancelledError, DeadlinePassedError, Watch

DEFAULT_SECONDS: Final = 300.0
MAX_REDIRECTS: Final = 5
MAX_RETRY_AFTER_SECONDS: Final = 24 * 3600.0
OVERHEAD_BYTES: Final = 64 * 1024
"""What an output may need beside the body: the status, the headers, and the names of the three."""
_MAY_PASS: Final[Mapping[int, str]] = {408: "timeout", 409: "conflict", 429: "rate_limit"}
"""Statuses below 500 that may be another the next time, and the kinds of error they are."""


def body_bytes_within(output_bytes: int) -> int:
    """Return how large a body may be so that it fits, with status and headers, into an output of that size.

    A text with many characters that JSON writes longer than UTF-8 does may still not fit.
    """
    return max(output_bytes - OVERHEAD_BYTES, output_bytes // 2)


class HttpRequest:
    """Sends one request and answers status, headers and body.

    :param allowed_hosts: hosts (``host`` or ``host:port``) that may be called wherever they are;
        asked at every request.
    :param ports: the ports of all other hosts that may be called.
    :param max_body_bytes: how much of an answer's body is read, decompressed; more is a failure.
    :param resolver: answers the addresses of a host.
    :param now: the present, for a ``Retry-After`` that is a date.
    """

    name: ClassVar[str] = "http_request"

    def __init__(
        self,
        *,
        allowed_hosts: Callable[[], Collection[str]] = tuple,
        ports: Collection[int] = frozenset({80, 443}),
        max_body_bytes: int = body_bytes_within(Conf.output_bytes),
        resolver: Resolver = resolve,
        ssl_context: ssl.SSLContext | None = None,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._allowed_hosts = allowed_hosts
        self._ports = ports
        self._max_body_bytes = max_body_bytes
        self._resolver = resolver
        self._given_ssl_context = ssl_context
        self._now = now

    @cached_property
    def _ssl_context(self) -> ssl.SSLContext:
        return self._given_ssl_context or httpx2.create_ssl_context(trust_env=False)

    def check_arguments(
        self, arguments: Mapping[str, JSON], *, templated: frozenset[str]
    ) -> Sequence[ArgumentProblem]:
        return check_against(HttpRequestArguments, arguments, templated=templated)

    def execute(self, call: Call) -> Outcome:
        arguments = parse_arguments(HttpRequestArguments, call.arguments)
        if isinstance(arguments, Failed):
            return arguments
        try:
            outgoing = arguments.outgoing(idempotency_key=call.idempotency_key)
        except (ValueError, TypeError, RecursionError):
            return bad_input("json, body: expected finite numbers, valid Unicode and moderate depth")
        return self._exchange(outgoing, arguments, call)

    def _exchange(self, outgoing: Outgoing, arguments: HttpRequestArguments, call: Call) -> Outcome:
        bounds = [bound for bound in (arguments.timeout, call.timeout_seconds) if bound is not None]
        seconds = min(bounds, default=DEFAULT_SECONDS)
        where = f"{outgoing.method} {outgoing.destination}"
        try:
            with Watch(call.cancellation, seconds=seconds) as watch:
                answer = self._follow(outgoing, arguments, watch)
        except CallCancelledError:
            return Interrupted(reason=call.cancellation.reason)
        except DeadlinePassedError:
            return Failed(
                kind="timeout",
                message=f"{where} was not answered in full after {seconds:g} seconds",
                retryable=True,
                detail={"timeout_seconds": seconds},
            )
        except Exception as error:
            return _failure(error, where, self._max_body_bytes)
        if arguments.expects(answer.status):
            return Completed(output=answer.output())
        return self._unexpected(answer, arguments, where)

    def _follow(self, outgoing: Outgoing, arguments: HttpRequestArguments, watch: Watch) -> Answer:
        """Send the request, and those its redirects ask for; each is checked anew."""
        for _ in range(MAX_REDIRECTS):
            answer, location = self._send(outgoing, arguments, watch)
            if location is None:
                return answer
            outgoing = outgoing.redirected(answer.status, location)
        return self._send(outgoing, arguments, watch)[0]

    def _send(
        self, outgoing: Outgoing, arguments: HttpRequestArguments, watch: Watch
    ) -> tuple[Answer, str | None]:
        """Return the answer, and where it redirects to unless that status is an expected one."""
        backend = CheckingBackend(
            watch, allowed_hosts=self._allowed_hosts(), ports=self._ports, resolver=self._resolver
        )
        with httpcore2.ConnectionPool(ssl_context=self._ssl_context, network_backend=backend) as pool:
            response = pool.handle_request(outgoing.on_the_wire())
            with closing(response):
                headers = headers_of(response.headers)
                redirects = response.status in REDIRECTS and not arguments.expects(response.status)
                location = headers.get("location") if redirects else None
                if location is not None:
                    return Answer(status=response.status, headers=headers, body=b""), location
                body = read_body(
                    response.iter_stream(),
                    encoding=headers.get("content-encoding", ""),
                    limit=self._max_body_bytes,
                )
        return Answer(status=response.status, headers=headers, body=body), None

    def _unexpected(self, answer: Answer, arguments: HttpRequestArguments, where: str) -> Failed:
        wanted = " or ".join(arguments.expect_status)
        kind = "server_error" if answer.status >= 500 else _MAY_PASS.get(answer.status)
        return Failed(
            kind=kind or "http_status",
            message=f"{where} answered {answer.status}, expected {wanted}",
            retryable=kind is not None,
            retry_after_seconds=retry_after(answer.headers.get("retry-after"), now=self._now),
            detail={"status": answer.status},
            output=answer.output(),
        )


def retry_after(value: str | None, *, now: Callable[[], datetime]) -> float | None:
    """Return the seconds a ``Retry-After`` asks for, at most a day; None when it says nothing usable."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:10])
    else:
        try:
            at = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now()).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def _is_header_too_large(error: httpcore2.RemoteProtocolError) -> bool:
    # The protocol library puts its own error, with the status a server would answer, inside.
    return any(getattr(inner, "error_status_hint", 0) == 431 for inner in error.args)


def _failure(error: Exception, where: str, max_body_bytes: int) -> Failed:
    """Say what an error of the exchange means.

    :raises Exception: the error itself when it is not an anticipated one.
    """
    match error:
        case RefusedAddressError() | RefusedRedirectError():
            return Failed(kind="refused_address", message=f"{where} was refused: {error}")
        case ResponseTooLargeError():
            return Failed(
                kind="response_too_large",
                message=f"{where} answered more than {max_body_bytes} bytes",
                detail={"max_body_bytes": max_body_bytes},
            )
        case httpcore2.RemoteProtocolError() if _is_header_too_large(error):
            return Failed(kind="response_too_large", message=f"{where} answered headers without end")
        case BadResponseError():
            return Failed(kind="bad_response", message=f"{where} answered, but {error}", retryable=True)
        case OSError() | httpcore2.NetworkError() | httpcore2.ProtocolError():
            return Failed(
                kind="connection",
                message=f"{where} failed: the connection was not made or broke ({type(error).__name__})",
                retryable=True,
                detail={"error": type(error).__name__},
            )
    raise error
