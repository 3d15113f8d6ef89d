"""What a failed call to the Messages API means: pure rules from the facts of an error to a failure.

The rules follow the API's error reference and what SDK 2.11 was seen to do,
read 2026-11: errors inside a stream arrive with status 200 and are told apart
by their type only, and a spend limit comes as 429 or as 400.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Final

RAMP_LIMIT_PAUSE_SECONDS: Final = 60.0
"""How long to hold back when usage grew too fast and the server names no time of its own."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What follows from an error: a stable kind, whether trying again can help, and what to do."""

    kind: str
    retryable: bool
    advice: str = ""


RATE_LIMIT: Final = Judgement(kind="rate_limit", retryable=True)
SPEND_LIMIT: Final = Judgement(
    kind="spend_limit",
    retryable=False,
    advice="Raise the spend limit or add credit in the Anthropic console.",
)
OVERLOADED: Final = Judgement(kind="overloaded", retryable=True)
SERVER_ERROR: Final = Judgement(kind="server_error", retryable=True)
CONFLICT: Final = Judgement(kind="conflict", retryable=True)
TIMEOUT: Final = Judgement(kind="timeout", retryable=True)
CONNECTION: Final = Judgement(kind="connection", retryable=True)
AUTHENTICATION: Final = Judgement(
    kind="authentication", retryable=False, advice="Check ANTHROPIC_API_KEY and what it may use."
)
BAD_INPUT: Final = Judgement(kind="bad_input", retryable=False, advice="Correct the task's `with`.")
REQUEST_GONE: Final = Judgement(
    kind="connection",
    retryable=False,
    advice="The API saw the request withdrawn: look at what is between.",
)
CONTEXT_TOO_LARGE: Final = Judgement(
    kind="context_too_large", retryable=False, advice="Pass less upstream output, or a summary of it."
)

_SPEND_CODES: Final = frozenset(
    {
        "enforced_spend_limit_reached",
        "contract_spend_limit_reached",
        "linked_organization_spend_limit_reached",
    }
)
_BY_TYPE: Final = {
    "rate_limit_error": RATE_LIMIT,
    "billing_error": SPEND_LIMIT,
    "overloaded_error": OVERLOADED,
    "api_error": SERVER_ERROR,
    "timeout_error": TIMEOUT,
    "conflict_error": CONFLICT,
    "authentication_error": AUTHENTICATION,
    "permission_error": AUTHENTICATION,
    "invalid_request_error": BAD_INPUT,
    "not_found_error": BAD_INPUT,
}
_BY_STATUS: Final = {
    401: AUTHENTICATION,
    402: SPEND_LIMIT,
    403: AUTHENTICATION,
    408: TIMEOUT,
    409: CONFLICT,
    413: CONTEXT_TOO_LARGE,
    429: RATE_LIMIT,
    499: REQUEST_GONE,
    529: OVERLOADED,
}

_MAY_PASS: Final = frozenset({408, 409, 429})
"""The refusals (4xx) that a later try may not meet."""


def judge_status(*, status: int, error_type: str | None, error_code: str | None, message: str) -> Judgement:
    """Return what an error answer means, whether it came as a status or inside a stream (status 200)."""
    if error_code in _SPEND_CODES or _tells_spend_limit(status, message):
        return SPEND_LIMIT
    if _tells_too_long(status, message):
        return CONTEXT_TOO_LARGE
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status < 400:
        return _BY_TYPE.get(error_type or "", SERVER_ERROR)
    if status < 500:
        return BAD_INPUT
    return _BY_TYPE["overloaded_error"] if error_type == "overloaded_error" else SERVER_ERROR


def heed_wish(judgement: Judgement, *, status: int, wish: str | None) -> Judgement:
    """Return the judgement as the server's ``x-should-retry`` has it, which brings back no refused request.

    A spend limit and every 4xx but 408, 409 and 429 stay final whatever is wished.
    """
    if wish == "false" and status >= 400:
        return replace(judgement, retryable=False)
    may_pass = status >= 500 or status in _MAY_PASS
    if wish == "true" and may_pass and judgement is not SPEND_LIMIT:
        return replace(judgement, retryable=True)
    return judgement


def pause_seconds(headers: Mapping[str, str], error_code: str | None) -> float | None:
    """Return how long the server asks to wait, by its own clock; None when it does not say."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        seconds = _number(headers.get(name))
        if seconds is not None:
            return max(seconds * unit, 0.0)
    until, sent = _http_date(headers.get("retry-after")), _http_date(headers.get("date"))
    if until is not None and sent is not None:
        return max(until - sent, 0.0)
    return RAMP_LIMIT_PAUSE_SECONDS if error_code == "ramp_limit_exceeded" else None


def rate_limit_facts(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the rate-limit headers of an answer, without their common prefix."""
    prefix = "anthropic-ratelimit-"
    return {name[len(prefix) :]: value for name, value in headers.items() if name.startswith(prefix)}


def _tells_spend_limit(status: int, message: str) -> bool:
    # The one spend limit without a code: only its wording tells it from other bad requests.
    return status == 400 and "api usage limits" in message.lower()


def _tells_too_long(status: int, message: str) -> bool:
    # No code either; a wrong guess only changes the advice, as both are final.
    return status == 400 and ("prompt is too long" in message.lower() or "context window" in message.lower())


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < float("inf") else None


def _http_date(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None
