"""Asks Claude: the executor behind ``run: claude``, and the only file that speaks the Anthropic SDK.

The SDK never retries here: every attempt is the engine's, with a record of its
own. The Messages API is not idempotent, so an attempt that broke off may have
been billed; its report says what was counted until then.
"""

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Final

from cpds.base import clock
from cpds.base.redaction import redact_text
from tasks_app.outcomes import JSON, Failed, Interrupted, Outcome, Report
from workers_app.executors import event_loop
from workers_app.executors.arguments import check_against, parse_arguments
from workers_app.executors.claude_arguments import ClaudeArguments
from workers_app.executors.claude_errors import (
    BAD_INPUT,
    CONNECTION,
    RATE_LIMIT,
    SPEND_LIMIT,
    TIMEOUT,
    Judgement,
    judge_status,
    pause_seconds,
    rate_limit_facts,
)
from workers_app.executors.claude_exchange import SEEN_EVENTS, Exchange, closing_line
from workers_app.executors.contract import ArgumentProblem, Call
from workers_app.executors.prices import PriceTable

if TYPE_CHECKING:
    from anthropic import APIStatusError, AsyncAnthropic
    from httpx2 import AsyncClient

logger = logging.getLogger(__name__)

API_URL: Final = "https://api.anthropic.com"
CONNECT_SECONDS: Final = 5.0
SILENCE_SECONDS: Final = 300.0
"""How long the API may say nothing at all, not even a ping, before the connection counts as dead."""

MAX_CONNECTIONS: Final = 1000
"""The SDK's own limit for a client (its 2.11 source), for the client made here."""

_MESSAGE_CHARACTERS: Final = 500
_clients: dict[tuple[int, "ClaudeConnection"], "AsyncAnthropic"] = {}


@dataclass(frozen=True)
class ClaudeConnection:
    """Where Claude answers: ``base_url`` None is Anthropic's own, ``simulated`` marks a rehearsal."""

    api_key: str | None = field(repr=False)
    base_url: str | None = None
    simulated: bool = False


class Claude:
    """Asks Claude once and answers with its text, or with JSON when ``output_schema`` is given.

    ``connection`` is asked before each call, so a changed key needs no restart.
    """

    name: ClassVar[str] = "claude"

    def __init__(
        self,
        connection: Callable[[], ClaudeConnection],
        *,
        prices: PriceTable,
        today: Callable[[], date] = lambda: clock.now().date(),
    ) -> None:
        self._connection = connection
        self._prices = prices
        self._today = today

    def check_arguments(
        self, arguments: Mapping[str, JSON], *, templated: frozenset[str]
    ) -> Sequence[ArgumentProblem]:
        return check_against(ClaudeArguments, arguments, templated=templated)

    def execute(self, call: Call) -> Outcome:
        started = clock.monotonic()
        arguments = parse_arguments(ClaudeArguments, call.arguments)
        if isinstance(arguments, Failed):
            return arguments
        connection = self._connection()
        exchange = Exchange(arguments=arguments, simulated=connection.simulated)
        call.log(f"Asking {arguments.model}" + (f" as {arguments.role}" if arguments.role else ""))
        outcome = self._ask(call, exchange, connection, started)
        call.log(closing_line(outcome))
        return outcome

    def _ask(self, call: Call, exchange: Exchange, connection: ClaudeConnection, started: float) -> Outcome:
        if not connection.api_key:
            return exchange.not_configured(self._report(exchange))
        try:
            request = _request(exchange.arguments)  # loads the SDK here, not on the loop all calls share
            left = (
                None if call.timeout_seconds is None else call.timeout_seconds - (clock.monotonic() - started)
            )
            if call.cancellation.requested:
                raise event_loop.StoppedByRequest  # noqa: TRY301 - the same answer as a moment later
            event_loop.run(_stream(request, exchange, connection), call.cancellation, left and max(left, 0.0))
        except event_loop.StoppedByRequest:
            return Interrupted(reason=call.cancellation.reason, report=self._report(exchange))
        except event_loop.StoppedByTimeout:
            return Failed(
                kind="timeout",
                message=f"Claude had not finished answering after {call.timeout_seconds:g} seconds.",
                retryable=True,
                output=exchange.answer or None,
                report=self._report(exchange),
            )
        except Exception as error:
            return self._failure(error, exchange, connection)
        return exchange.outcome(self._report(exchange))

    def _report(self, exchange: Exchange) -> Report:
        return exchange.report(self._prices, self._today())

    def _failure(self, error: Exception, exchange: Exchange, connection: ClaudeConnection) -> Failed:
        judgement, message, detail, pause = _judged(error, exchange)
        sentence = redact_text(message, known=[connection.api_key or ""])[:_MESSAGE_CHARACTERS]
        return Failed(
            kind=judgement.kind,
            message=f"{sentence} {judgement.advice}".strip(),
            retryable=judgement.retryable,
            retry_after_seconds=pause if judgement.retryable else None,
            detail=detail,
            output=exchange.answer or None,
            report=self._report(exchange),
        )


def close() -> None:
    """Close this process's connections and its loop, when a worker process ends."""
    clients = [_clients.pop(key) for key in list(_clients) if key[0] == os.getpid()]
    if clients:
        event_loop.close_all([client.close for client in clients])
    event_loop.stop()


def _request(arguments: ClaudeArguments) -> dict[str, Any]:
    import anthropic

    request: dict[str, Any] = {
        "model": arguments.model,
        "max_tokens": arguments.max_tokens,
        "messages": [{"role": "user", "content": arguments.prompt}],
    }
    if arguments.system_as_sent is not None:
        request["system"] = arguments.system_as_sent
    shape: dict[str, Any] = {}
    if arguments.effort is not None:
        shape["effort"] = arguments.effort
    if arguments.output_schema is not None:
        # The API refuses limits such as minimum; the SDK moves them into descriptions. The answer is
        # validated against the schema as it was written.
        schema = anthropic.transform_schema(arguments.output_schema)
        shape["format"] = {"type": "json_schema", "schema": schema}
    if shape:
        request["output_config"] = shape
    return request


async def _stream(request: dict[str, Any], exchange: Exchange, connection: ClaudeConnection) -> None:
    async with _client(connection).messages.stream(**request) as stream:
        exchange.see_response(stream.response.headers)
        async for event in stream:
            if event.type in SEEN_EVENTS:
                exchange.see_event(event.to_dict(mode="json"))


def _client(connection: ClaudeConnection) -> "AsyncAnthropic":
    """Return this process's client for a connection. It needs no lock: only the loop's thread calls it."""
    import anthropic
    import httpx2

    key = (os.getpid(), connection)
    if key not in _clients:
        _clients[key] = anthropic.AsyncAnthropic(
            api_key=connection.api_key,
            base_url=connection.base_url or API_URL,
            timeout=httpx2.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS),
            max_retries=0,
            http_client=_direct_http_client() if connection.simulated else None,
        )
    return _clients[key]


def _direct_http_client() -> "AsyncClient":
    """Return a client for a rehearsal on this machine, for which no proxy must be asked.

    The SDK's own takes proxies from the environment unless it is given a transport.
    """
    import anthropic
    import httpx2

    limits = httpx2.Limits(max_connections=MAX_CONNECTIONS)
    return anthropic.DefaultAsyncHttpxClient(transport=httpx2.AsyncHTTPTransport(limits=limits))


def _judged(error: Exception, exchange: Exchange) -> tuple[Judgement, str, dict[str, JSON], float | None]:
    """Return what an error of the SDK or the network means, its text, its facts, and the pause asked for."""
    import anthropic
    import httpx2

    if isinstance(error, anthropic.APIStatusError):
        return _judged_status(error, exchange)
    if isinstance(error, (anthropic.APITimeoutError, httpx2.TimeoutException)):
        return TIMEOUT, "The connection to Claude timed out.", _named(error), None
    if isinstance(error, (anthropic.APIConnectionError, httpx2.HTTPError)):
        reason = error.__cause__ or error
        return (
            CONNECTION,
            f"The connection to Claude broke: {reason or type(reason).__name__}.",
            _named(reason),
            None,
        )
    if isinstance(error, json.JSONDecodeError):
        return CONNECTION, "The stream from Claude could not be read.", _named(error), None
    if exchange.call_id is None and isinstance(error, (TypeError, ValueError, AssertionError)):
        return BAD_INPUT, f"The request cannot be sent: {error}.", _named(error), None
    logger.error("claude_call_broke error=%s", type(error).__name__, exc_info=error)
    unexpected = Judgement(kind="unexpected", retryable=False, advice="The worker's log has the details.")
    return unexpected, f"Something unforeseen broke the call: {type(error).__name__}.", _named(error), None


def _judged_status(
    error: "APIStatusError", exchange: Exchange
) -> tuple[Judgement, str, dict[str, JSON], float | None]:
    headers = error.response.headers
    exchange.see_response(headers)
    message = error.api_message or error.message
    judgement = judge_status(
        status=error.status_code, error_type=error.type, error_code=error.error_code, message=message
    )
    wish = headers.get("x-should-retry")
    if wish in ("true", "false") and judgement is not SPEND_LIMIT and error.status_code >= 400:
        judgement = Judgement(kind=judgement.kind, retryable=wish == "true", advice=judgement.advice)
    facts: dict[str, JSON] = {
        "status": error.status_code,
        "type": error.type,
        "error_code": error.error_code,
        "request_id": exchange.call_id,
    }
    if judgement.kind == RATE_LIMIT.kind:
        facts["rate_limits"] = rate_limit_facts(headers)
    return (
        judgement,
        f"Claude answered with an error: {message}",
        facts,
        pause_seconds(headers, error.error_code),
    )


def _named(error: BaseException) -> dict[str, JSON]:
    return {"error": type(error).__name__}
