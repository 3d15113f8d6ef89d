"""Claude as a tool: a task's prompt is put to the Messages API, and its answer is the output.

Needs the ``anthropic`` package, which is loaded with the first task.
"""

from typing import Any, Final

from workers_app.agents.answer import Answer
from workers_app.agents.messages_api import (
    ClaudeConnection,
    build_request,
    judge_error,
    make_client,
    stream_answer,
)
from workers_app.agents.roles import system_text
from workers_app.sdk.attempt import Handler, Result
from workers_app.sdk.context import Context
from workers_app.sdk.errors import TaskFailed

DEFAULT_MODEL: Final = "claude-opus-5-5"
DEFAULT_MAX_TOKENS: Final = 8192
KEYS: Final = frozenset(
    {"kind", "prompt", "system", "role", "model", "max_tokens", "effort", "output_schema"}
)


def claude_tool(
    *, api_key: str | None, base_url: str | None = None, model: str = DEFAULT_MODEL, simulated: bool = False
) -> Handler:
    """Return a handler that asks Claude.

    A task's ``with`` is that of a ``claude`` task (``prompt``, ``system``, ``role``, ``model``,
    ``max_tokens``, ``effort``, ``output_schema``); without ``prompt`` Claude is told its title,
    description and context. ``simulated``: the server at ``base_url`` is a rehearsal's.
    """
    connection = ClaudeConnection(api_key=api_key, base_url=base_url, simulated=simulated)

    async def ask(context: Context) -> Result:
        if not api_key:
            raise TaskFailed(
                "No key for Claude: set ANTHROPIC_API_KEY.", kind="not_configured", retryable=False
            )
        request = _request(context, model)
        answer = Answer(simulated=simulated)
        client = make_client(connection)
        try:
            await stream_answer(client, request=request, answer=answer)
        except Exception as error:
            raise _failure(error, answer, context) from error
        finally:
            await client.close()
        return _result(context, answer, max_tokens=request["max_tokens"])

    return ask


def _request(context: Context, model: str) -> dict[str, Any]:
    given = context.arguments
    unknown = sorted(set(given) - KEYS)
    if unknown:
        raise TaskFailed(f"with: Claude takes no {', '.join(unknown)}.", kind="bad_input", retryable=False)
    system = given.get("system") or (system_text(given["role"]) if given.get("role") else None)
    return build_request(
        model=given.get("model") or model,
        prompt=context.prompt,
        max_tokens=given.get("max_tokens") or DEFAULT_MAX_TOKENS,
        system=system,
        effort=given.get("effort"),
        output_schema=given.get("output_schema"),
    )


def _result(context: Context, answer: Answer, *, max_tokens: int) -> Result:
    report = _report(context, answer)
    if not answer.is_whole:
        kind, retryable, message = answer.why_not_whole(max_tokens=max_tokens)
        raise TaskFailed(message, kind=kind, retryable=retryable, report=report)
    if not answer.answer.strip():
        raise TaskFailed("Claude ended its turn without a word.", kind="empty_answer", report=report)
    schema = context.arguments.get("output_schema")
    if schema is None:
        return Result(output=answer.answer, report=report)
    from workers_app.agents.output_schema import Mismatch, parse_answer

    value = parse_answer(answer.answer, schema)
    if isinstance(value, Mismatch):
        raise TaskFailed(value.message, kind="invalid_output", detail={"path": value.path}, report=report)
    return Result(output=value, report=report)


def _failure(error: Exception, answer: Answer, context: Context) -> TaskFailed:
    verdict = judge_error(error, answer=answer)
    judgement = verdict.judgement
    return TaskFailed(
        f"{verdict.message} {judgement.advice}".strip(),
        kind=judgement.kind,
        retryable=judgement.retryable,
        detail=verdict.facts,
        report=_report(context, answer),
    )


def _report(context: Context, answer: Answer) -> dict[str, Any]:
    known = {
        "prompt": context.prompt,
        "answer": answer.answer or None,
        "model": answer.model,
        "call_id": answer.call_id,
        "tokens": dict(answer.tokens),
        "simulated": answer.simulated,
    }
    return {name: value for name, value in known.items() if value is not None}
