"""One call to Claude as far as it got: what was asked, what came back, and what that amounts to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tasks_app.outcomes import JSON, Completed, Failed, Outcome, Report
from workers_app.agents.answer import Answer
from workers_app.agents.arguments import ClaudeArguments

Cost: TypeAlias = Callable[[str, Mapping[str, int]], int | None]
"""What tokens of a model cost, in millionths of a US dollar; None when no price is known."""


@dataclass(kw_only=True)
class Exchange(Answer):
    """What was asked, and what has come back so far."""

    arguments: ClaudeArguments

    def report(self, cost: Cost | None) -> Report:
        """Return what the attempt used and said so far."""
        model = self.model or self.arguments.model
        return Report(
            prompt=self.arguments.prompt_as_sent,
            answer=self.answer or None,
            model=model,
            call_id=self.call_id,
            tokens=dict(self.tokens),
            cost_usd_micros=cost(model, self.tokens) if cost is not None and self.tokens else None,
            simulated=self.simulated,
            metadata=self._metadata(),
        )

    def outcome(self, report: Report) -> Outcome:
        """Return what a stream that ended without an error amounts to."""
        if self.is_whole:
            return self._whole_answer(report)
        kind, retryable, message = self.why_not_whole(max_tokens=self.arguments.max_tokens)
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
        from workers_app.agents.output_schema import Mismatch, parse_answer

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
