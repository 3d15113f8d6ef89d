"""Parameters that a workflow declares secret: which they are, and how they stay out of what is shown.

Workers get them as they are. What an attempt says of them is hidden before it is
stored; what a task completes with is stored as it is, since others build on it,
and hidden where it is shown.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from cpds.base.redaction import HIDDEN, hide, hide_text
from tasks_app.outcomes import JSON, Completed, Failed, Interrupted, Outcome, Report


def secret_names(definition: Mapping[str, Any]) -> list[str]:
    """Return the names of the secret parameters of a stored definition."""
    # Imported late: it brings a heavy library, and every worker imports this module.
    from tasks_app.planning.definition.param_spec import is_declaration

    declared = definition.get("params") or {}
    return [name for name, raw in declared.items() if is_declaration(raw) and raw.get("secret") is True]


def shown_params(params: Mapping[str, JSON], secrets: Collection[str]) -> dict[str, JSON]:
    """Return the parameters as they may be shown: a secret that was given is hidden whole."""
    return {
        name: HIDDEN if name in secrets and value is not None else value for name, value in params.items()
    }


def secret_texts(params: Mapping[str, JSON], secrets: Collection[str]) -> tuple[str, ...]:
    """Return the texts by which the secrets among the parameters can be found elsewhere."""
    return tuple(dict.fromkeys(text for name in secrets for text in _texts(params.get(name))))


def shown_value(value: JSON, *, params: Mapping[str, JSON], secrets: Collection[str]) -> JSON:
    """Return an output as it may be shown beside these parameters."""
    return hide(value, known=secret_texts(params, secrets)) if secrets else value


def without_secrets(outcome: Outcome, *, known: Collection[str]) -> Outcome:
    """Return how an attempt ended, with the known secrets hidden; only a completed task's output is kept."""
    if not known:
        return outcome
    report = _report(outcome.report, known)
    match outcome:
        case Completed():
            return replace(outcome, report=report)
        case Failed():
            return replace(
                outcome,
                message=hide_text(outcome.message, known=known),
                detail=hide(outcome.detail, known=known),
                output=hide(outcome.output, known=known),
                report=report,
            )
        case Interrupted():
            return replace(outcome, reason=hide_text(outcome.reason, known=known), report=report)


def _report(report: Report, known: Collection[str]) -> Report:
    return replace(
        report,
        prompt=None if report.prompt is None else hide_text(report.prompt, known=known),
        answer=None if report.answer is None else hide_text(report.answer, known=known),
        metadata=hide(report.metadata, known=known),
    )


def _texts(value: JSON) -> Iterator[str]:
    """Yield every text in a secret value, and how JSON writes it where that differs."""
    match value:
        case None | bool():
            return
        case str():
            yield value
            yield from (json.dumps(value, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))
        case int() | float():
            yield str(value)
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for item in value.values():
                yield from _texts(item)
