"""An answer in the API's own format, whole or as a stream of events."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from workers_app.agents.rehearsal.answers import Question, answer
from workers_app.agents.rehearsal.script import Rule

CHARACTERS_PER_TOKEN: Final = 4
USUAL_PIECES: Final = 6


def tokens_in(text: str) -> int:
    """Return about how many tokens a text has."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer: its text, how it ends, and what it is counted as."""

    message_id: str
    model: str
    text: str
    stop_reason: str
    stop_details: dict[str, Any] | None
    usage: dict[str, Any]
    pieces: int = USUAL_PIECES

    def message(self) -> dict[str, Any]:
        """Return the whole answer as one message."""
        content = [{"type": "text", "text": self.text}] if self.text else []
        return self._message(content=content, stop_reason=self.stop_reason, usage=self.usage)

    def opening(self) -> list[dict[str, Any]]:
        """Return the events before the first words; the answer is not yet counted in them."""
        usage = {**self.usage, "output_tokens": 1}
        return [
            {"type": "message_start", "message": self._message(content=[], stop_reason=None, usage=usage)},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "ping"},
        ]

    def deltas(self) -> Iterator[dict[str, Any]]:
        """Yield the text in a handful of pieces."""
        size = max(-(-len(self.text) // self.pieces), 1)
        for start in range(0, len(self.text), size):
            delta = {"type": "text_delta", "text": self.text[start : start + size]}
            yield {"type": "content_block_delta", "index": 0, "delta": delta}

    def closing(self) -> list[dict[str, Any]]:
        """Return the events after the last words."""
        delta = {"stop_reason": self.stop_reason, "stop_sequence": None, "stop_details": self.stop_details}
        return [
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": delta, "usage": self.usage},
            {"type": "message_stop"},
        ]

    def _message(
        self, *, content: list[dict[str, Any]], stop_reason: str | None, usage: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "id": self.message_id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": None,
            "stop_details": self.stop_details if stop_reason else None,
            "usage": usage,
        }


def reply_to(question: Question, rule: Rule, *, model: str, max_tokens: int, number: int) -> Reply:
    """Return the answer to a question as the rule wants it, cut off at ``max_tokens`` like any answer."""
    words = rule.words
    text = words if words is not None else ("" if rule.stop_reason == "refusal" else answer(question))
    stop_reason = rule.stop_reason
    if tokens_in(text) > max_tokens:
        text, stop_reason = text[: max_tokens * CHARACTERS_PER_TOKEN], "max_tokens"
    usage = {
        "input_tokens": tokens_in(question.system + question.prompt),
        "output_tokens": max(tokens_in(text), 1),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "service_tier": "standard",
    }
    return Reply(
        message_id=f"msg_rehearsal_{question.seed[:12]}_{number:06d}",
        model=model,
        text=text,
        stop_reason=stop_reason,
        stop_details=rule.stop_details,
        usage=usage | rule.usage,
        pieces=rule.pieces or USUAL_PIECES,
    )


def as_sse(event: dict[str, Any]) -> bytes:
    """Return an event as it goes over the wire."""
    return f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()
