"""One call to Claude as far as it got.

It is filled event by event, so that nothing counted is lost whatever ends the call.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from tasks_app.outcomes import JSON, Completed, Failed, Outcome, Report
from workers_app.executors.claude_arguments import ClaudeArguments
from workers_app.executors.claude_schema import Mismatch, parse_answer
from workers_app.executors.prices import PriceTable, cost_usd_micros

SIMULATED_HEADER: Final = "x-cpds-simulated"
SEEN_EVENTS: Final = frozenset(
    {"message_start", "content_block_start", "content_block_delta", "message_delta"}
)
"""The events ``see_event`` takes something from; the SDK adds others that repeat all text so far."""

_WHOLE: Final = frozenset({"end_turn", "stop_sequence"})


@dataclass(kw_only=True)
class Exchange:
    """What was asked, and what has come back so far."""

    arguments: ClaudeArguments
    simulated: bool
    call_id: str | None = None
    message_id: str | None = None
    model: str | None = None
    text: list[str] = field(default_factory=list)
    tokens: dict[str, int] = field(default_factory=dict)
    stop_reason: str | None = None
    stop_details: dict[str, JSON] = field(default_factory=dict)

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

    def report(self, prices: PriceTable, at: date) -> Report:
        """Return what the attempt used and said so far."""
        model = self.model or self.arguments.model
        return Report(
            prompt=self.arguments.prompt_as_sent,
            answer=self.answer or None,
            model=model,
            call_id=self.call_id,
            tokens=dict(self.tokens),
            cost_usd_micros=cost_usd_micros(model, self.tokens, at, prices) if self.tokens else None,
            simulated=self.simulated,
            metadata=self._metadata(),
        )

    def outcome(self, report: Report) -> Outcome:
        """Return what a stream that ended without an error amounts to."""
        if self.stop_reason in _WHOLE:
            return self._whole_answer(report)
        kind, retryable, message = self._why_not_whole()
        detail: dict[str, JSON] = {"stop_reason": self.stop_reason}
        if self.stop_details:
            detail["stop_details"] = self.stop_details
        return Failed(
            kind=kind,
            message=message,
            retryable=retryable,
            detail=detail,
            output=self.answer or None,
            report=report,
        )

    def not_configured(self, report: Report) -> Failed:
        """Return the failure of a call that cannot be made for want of a key."""
        return Failed(
            kind="not_configured",
            message=(
                "No key for Claude is configured: set ANTHROPIC_API_KEY for the workers, "
                "or run in rehearsal against manage.py fake_claude."
            ),
            report=report,
        )

    def _whole_answer(self, report: Report) -> Outcome:
        if not self.answer.strip():
            return Failed(
                kind="empty_answer",
                message="Claude ended its turn without a word.",
                retryable=True,
                report=report,
            )
        if self.arguments.output_schema is None:
            return Completed(output=self.answer, report=report)
        value = parse_answer(self.answer, self.arguments.output_schema)
        if isinstance(value, Mismatch):
            return Failed(
                kind="invalid_output",
                message=value.message,
                retryable=True,
                detail={"path": value.path},
                output=self.answer,
                report=report,
            )
        return Completed(output=value, report=report)

    def _why_not_whole(self) -> tuple[str, bool, str]:
        limit = self.arguments.max_tokens
        known = {
            None: (
                "truncated",
                True,
                "The answer broke off before its end; what had been written may be billed.",
            ),
            "max_tokens": (
                "max_tokens",
                False,
                f"The answer reached max_tokens ({limit}) before its end: raise max_tokens or ask for less.",
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

    def _metadata(self) -> dict[str, JSON]:
        known: dict[str, JSON] = {
            "role": self.arguments.role,
            "effort": self.arguments.effort,
            "max_tokens": self.arguments.max_tokens,
            "message_id": self.message_id,
            "stop_reason": self.stop_reason,
        }
        if self.tokens and self.stop_reason is None:
            known["tokens_are_partial"] = True
        return {name: value for name, value in known.items() if value is not None}


def closing_line(outcome: Outcome) -> str:
    """Return one line for the task's log: how the call ended and what it used."""
    report = outcome.report
    counted = f"{report.tokens.get('input_tokens', 0)} tokens in, {report.tokens.get('output_tokens', 0)} out"
    ending = outcome.kind if isinstance(outcome, Failed) else type(outcome).__name__.lower()
    return f"Claude: {ending}, {counted}" + (" (simulated)" if report.simulated else "")
