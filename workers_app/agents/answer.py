"""What has come back of one call to Claude, filled event by event, so that nothing counted is lost.

Knows neither Django nor CPDS.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

SIMULATED_HEADER: Final = "x-cpds-simulated"
SEEN_EVENTS: Final = frozenset(
    {"message_start", "content_block_start", "content_block_delta", "message_delta"}
)
"""The events ``see_event`` takes something from; the SDK adds others that repeat all text so far."""

_WHOLE: Final = frozenset({"end_turn", "stop_sequence"})


@dataclass(kw_only=True)
class Answer:
    """An answer as far as it has arrived. ``simulated`` marks a rehearsal's."""

    simulated: bool
    call_id: str | None = None
    message_id: str | None = None
    model: str | None = None
    text: list[str] = field(default_factory=list)
    tokens: dict[str, int] = field(default_factory=dict)
    stop_reason: str | None = None
    stop_details: dict[str, Any] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether Claude ended it of its own accord."""
        return self.stop_reason in _WHOLE

    @property
    def answer(self) -> str:
        """The text that has arrived, all blocks together."""
        return "".join(self.text)

    def see_response(self, headers: Mapping[str, str]) -> None:
        """Take what the head of the answer, or of an error, says about the call."""
        self.call_id = headers.get("request-id") or self.call_id
        self.simulated = self.simulated or headers.get(SIMULATED_HEADER) == "true"

    def see_event(self, event: Mapping[str, Any]) -> None:
        """Take one event of the stream, as the API sends it."""
        match event:
            case {"type": "message_start", "message": message}:
                self.message_id, self.model = message.get("id"), message.get("model")
                self._count(message.get("usage") or {})
            case {"type": "content_block_start", "content_block": {"type": "text", "text": text}}:
                self.text.append(text or "")
            case {"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}}:
                self.text.append(text)
            case {"type": "message_delta", "delta": delta}:
                self.stop_reason = delta.get("stop_reason")
                self.stop_details = delta.get("stop_details") or {}
                self._count(event.get("usage") or {})

    def why_not_whole(self, max_tokens: int) -> tuple[str, bool, str]:
        """Return what kept it from being whole: a kind, whether trying again can help, and a sentence."""
        known = {
            None: (
                "truncated",
                True,
                "The answer broke off before its end; what had been written may be billed.",
            ),
            "max_tokens": (
                "max_tokens",
                False,
                (
                    f"The answer reached max_tokens ({max_tokens}) before its end: "
                    "raise max_tokens or ask for less."
                ),
            ),
            "refusal": (
                "refusal",
                False,
                f"Claude declined to answer (category: {self.stop_details.get('category') or 'none given'}).",
            ),
            "model_context_window_exceeded": (
                "context_too_large",
                False,
                "Prompt and answer do not fit the model's context window: pass less upstream output.",
            ),
            "pause_turn": ("pause_turn", True, "The API paused a long turn before the answer was complete."),
            "tool_use": ("tool_use", False, "Claude asked for a tool, and this task offers none."),
        }
        unknown = (
            "unknown_stop_reason",
            False,
            f"The answer ended for a reason not known here: {self.stop_reason}.",
        )
        return known.get(self.stop_reason, unknown)

    def _count(self, usage: Mapping[str, Any]) -> None:
        # Counts are running totals, so later ones replace earlier ones. Every whole number is kept by the
        # API's own name, also those not known here; the breakdowns lie one level down.
        for name, value in usage.items():
            if isinstance(value, Mapping):
                self._count(value)
            elif isinstance(value, int) and not isinstance(value, bool):
                self.tokens[name] = value
