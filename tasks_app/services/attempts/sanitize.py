"""What an attempt brought, as the database can hold it: JSON, cut to its columns, with nothing secret."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from cpds.base.conf import conf
from cpds.base.redaction import redact, redact_text
from tasks_app.outcomes import JSON, Completed, Failed, Interrupted, Outcome, Report
from tasks_app.planning.values.values import NotJSONError, as_json, json_bytes

MESSAGE_CHARACTERS: Final = 4000
NAME_CHARACTERS: Final = 100


def sanitize(outcome: Outcome) -> Outcome:
    """Return the outcome as the database can hold it; an output that is not JSON is a failure."""
    match outcome:
        case Completed():
            return _with_storable_output(outcome)
        case Failed():
            return replace(
                outcome,
                message=sentence(text=outcome.message),
                detail=redact(_shortened(_json_or_text(outcome.detail))),
                output=_shortened(_json_or_text(outcome.output)),
            )
        case Interrupted():
            return replace(outcome, reason=sentence(text=outcome.reason))


def sentence(*, text: str, known: Iterable[str] = ()) -> str:
    """Return a text as messages are stored: without secrets, ``known`` ones among them, cut to the column."""
    return redact_text(as_json(text), known=known)[:MESSAGE_CHARACTERS]


def record_columns(report: Report) -> dict[str, Any]:
    """Return what a report says, by the columns of the execution record; nothing for an empty one."""
    if report == Report():
        return {}
    return {
        "prompt": _hidden(report.prompt),
        "answer": _hidden(report.answer),
        "model": _name(report.model),
        "call_id": _name(report.call_id),
        "tokens": report.tokens,
        "tokens_used": _tokens_used(report.tokens),
        "cost_usd_micros": report.cost_usd_micros,
        "simulated": report.simulated,
        "metadata": _json_or_text(report.metadata),
    }


def _with_storable_output(outcome: Completed) -> Outcome:
    try:
        output = as_json(outcome.output)
    except NotJSONError as error:
        message = f"The result cannot be stored: {error}"
        return Failed(kind="bad_output", message=sentence(text=message), report=outcome.report)
    size = json_bytes(output)
    limit = conf().output_bytes
    if size > limit:
        message = (
            f"The result has {size} bytes; at most {limit} are stored. "
            "Keep it in a file and return its place."
        )
        return Failed(kind="output_too_large", message=message, report=outcome.report)
    return replace(outcome, output=output)


def _shortened(value: JSON) -> JSON:
    """Return what a failed attempt left behind, or its beginning when it is larger than an output may be."""
    size = json_bytes(value)
    if size <= conf().output_bytes:
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return {"truncated": True, "bytes": size, "beginning": text[:MESSAGE_CHARACTERS]}


def _name(text: str | None) -> str:
    """Return what a server calls something, cut to the column it is kept in."""
    return str(as_json(text or ""))[:NAME_CHARACTERS]


def _json_or_text(value: Any) -> JSON:
    try:
        return as_json(value)
    except NotJSONError:
        return as_json(repr(value)[:MESSAGE_CHARACTERS])


def _hidden(text: str | None) -> str | None:
    return None if text is None else redact_text(as_json(text))


def _tokens_used(tokens: Mapping[str, int]) -> int | None:
    if not tokens:
        return None
    kinds = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
    return sum(tokens.get(kind, 0) for kind in kinds)
