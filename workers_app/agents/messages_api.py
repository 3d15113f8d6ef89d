"""The line to Claude: requests, the stream of an answer, and what errors mean.

The only file that speaks the Anthropic SDK, which is loaded with the first call. It
knows neither Django nor CPDS.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from workers_app.agents.answer import SEEN_EVENTS, Answer
from workers_app.agents.errors import (
    BAD_INPUT,
    CONNECTION,
    RATE_LIMIT,
    TIMEOUT,
    Judgement,
    heed_wish,
    judge_status,
    pause_seconds,
    rate_limit_facts,
)

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


@dataclass(frozen=True)
class ClaudeConnection:
    """Where Claude answers: ``base_url`` None is Anthropic's own, ``simulated`` marks a rehearsal."""

    api_key: str | None = field(repr=False)
    base_url: str | None = None
    simulated: bool = False


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What an error means. ``pause_seconds`` is the wait that was asked for."""

    judgement: Judgement
    message: str
    facts: Mapping[str, Any]
    pause_seconds: float | None = None


def build_request(
    *,
    model: str,
    prompt: str,
    max_tokens: int,
    system: str | None = None,
    effort: str | None = None,
    output_schema: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what is sent to the Messages API. Loads the SDK, which takes a moment the first time."""
    import anthropic

    request: dict[str, Any] = {
        "model": model,
        "max_tokens": max_tokens,
        "messages": [{"role": "user", "content": prompt}],
    }
    if system is not None:
        request["system"] = system
    shape: dict[str, Any] = {}
    if effort is not None:
        shape["effort"] = effort
    if output_schema is not None:
        # The API refuses limits such as minimum; the SDK moves them into descriptions. The answer is
        # validated against the schema as it was written.
        schema = anthropic.transform_schema(dict(output_schema))
        shape["format"] = {"type": "json_schema", "schema": schema}
    if shape:
        request["output_config"] = shape
    return request


async def stream_answer(client: "AsyncAnthropic", *, request: Mapping[str, Any], answer: Answer) -> None:
    """Send a request, and fill ``answer`` as it arrives."""
    async with client.messages.stream(**request) as stream:
        answer.see_response(stream.response.headers)
        async for event in stream:
            if event.type in SEEN_EVENTS:
                answer.see_event(event.to_dict(mode="json"))


def make_client(connection: ClaudeConnection) -> "AsyncAnthropic":
    """Return a new client for a connection, bound to the loop it is first used on."""
    import anthropic
    import httpx2

    return anthropic.AsyncAnthropic(
        api_key=connection.api_key,
        base_url=connection.base_url or API_URL,
        timeout=httpx2.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS),
        max_retries=0,
        http_client=_direct_http_client() if connection.simulated else None,
    )


def _direct_http_client() -> "AsyncClient":
    """Return a client for a rehearsal on this machine, for which no proxy must be asked.

    The SDK's own takes proxies from the environment unless it is given a transport.
    """
    import anthropic
    import httpx2

    limits = httpx2.Limits(max_connections=MAX_CONNECTIONS)
    return anthropic.DefaultAsyncHttpxClient(transport=httpx2.AsyncHTTPTransport(limits=limits))


def judge_error(error: Exception, *, answer: Answer) -> Verdict:
    """Return what an error of the SDK or the network means; ``answer`` learns what it says of the call."""
    import anthropic
    import httpx2

    if isinstance(error, anthropic.APIStatusError):
        return _judged_status(error, answer)
    if isinstance(error, (anthropic.APITimeoutError, httpx2.TimeoutException)):
        return Verdict(judgement=TIMEOUT, message="The connection to Claude timed out.", facts=_named(error))
    if isinstance(error, (anthropic.APIConnectionError, httpx2.HTTPError)):
        reason = error.__cause__ or error
        message = f"The connection to Claude broke: {reason or type(reason).__name__}."
        return Verdict(judgement=CONNECTION, message=message, facts=_named(reason))
    if isinstance(error, json.JSONDecodeError):
        message = "The stream from Claude could not be read."
        return Verdict(judgement=CONNECTION, message=message, facts=_named(error))
    if answer.call_id is None and isinstance(error, (TypeError, ValueError, AssertionError)):
        message = f"The request cannot be sent: {error}."
        return Verdict(judgement=BAD_INPUT, message=message, facts=_named(error))
    logger.error("claude_call_broke error=%s", type(error).__name__, exc_info=error)
    unexpected = Judgement(kind="unexpected", retryable=False, advice="The worker's log has the details.")
    message = f"Something unforeseen broke the call: {type(error).__name__}."
    return Verdict(judgement=unexpected, message=message, facts=_named(error))


def _judged_status(error: "APIStatusError", answer: Answer) -> Verdict:
    headers = error.response.headers
    answer.see_response(headers)
    message = error.api_message or error.message
    judgement = judge_status(
        status=error.status_code, error_type=error.type, error_code=error.error_code, message=message
    )
    judgement = heed_wish(judgement, status=error.status_code, wish=headers.get("x-should-retry"))
    facts: dict[str, Any] = {
        "status": error.status_code,
        "type": error.type,
        "error_code": error.error_code,
        "request_id": answer.call_id,
    }
    if judgement.kind == RATE_LIMIT.kind:
        facts["rate_limits"] = rate_limit_facts(headers)
    return Verdict(
        judgement=judgement,
        message=f"Claude answered with an error: {message}",
        facts=facts,
        pause_seconds=pause_seconds(headers, error.error_code),
    )


def _named(error: BaseException) -> dict[str, Any]:
    return {"error": type(error).__name__}
