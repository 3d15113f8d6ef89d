"""A request to the Messages API, checked as far as the API would refuse it too."""

from dataclasses import dataclass
from typing import Any, Final

from workers_app.agents.rehearsal.answers import Question

REMOVED: Final = ("temperature", "top_p", "top_k")
"""Parameters the API answers with 400 from version 2026-10-21 on."""


class BadRequest(Exception):
    """A request the API would refuse, with the status and type it would give."""

    def __init__(self, message: str, *, status: int = 400, error_type: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.status = status
        self.type = error_type


@dataclass(frozen=True, kw_only=True)
class MessagesRequest:
    """What the rehearsal reads of a request."""

    model: str
    max_tokens: int
    stream: bool
    question: Question


def parse_request(body: Any, version: str) -> MessagesRequest:
    """Return what is asked.

    :raises BadRequest: when the API would refuse it.
    """
    question = question_of(body)
    model, max_tokens = body.get("model"), body.get("max_tokens")
    if not isinstance(model, str) or not model:
        raise BadRequest("model: Field required")
    if not model.startswith("claude-"):
        raise BadRequest(f"model: {model}", status=404, error_type="not_found_error")
    if not isinstance(max_tokens, int) or isinstance(max_tokens, bool) or max_tokens < 1:
        raise BadRequest("max_tokens: must be a whole number of at least 1")
    removed = [name for name in REMOVED if name in body]
    if removed and version >= "2026-10-21":
        raise BadRequest(f"{removed[0]}: no longer supported")
    return MessagesRequest(
        model=model, max_tokens=max_tokens, stream=body.get("stream") is True, question=question
    )


def question_of(body: Any) -> Question:
    """Return what is asked, from the system text, the messages and the wanted format.

    :raises BadRequest: when there are no messages.
    """
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not messages or not all(isinstance(one, dict) for one in messages):
        raise BadRequest("messages: at least one message is required")
    config = body.get("output_config")
    wanted = config.get("format") if isinstance(config, dict) else None
    schema = wanted.get("schema") if isinstance(wanted, dict) else None
    return Question(
        system=_text(body.get("system")),
        prompt="\n\n".join(_text(one.get("content")) for one in messages if one.get("role") == "user"),
        schema=schema if isinstance(schema, dict) else None,
    )


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "\n".join(str(block.get("text", "")) for block in blocks if isinstance(block, dict))
