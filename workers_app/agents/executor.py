"""Asks Claude: the executor behind ``run: claude``.

The SDK never retries here: every attempt is the engine's, with a record of its
own. The Messages API is not idempotent, so an attempt that broke off may have
been billed; its report says what was counted until then.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

from cpds.base.redaction import redact_text
from tasks_app.outcomes import JSON, Failed, Interrupted, Outcome, Report
from workers_app.agents import event_loop
from workers_app.agents.arguments import ClaudeArguments
from workers_app.agents.exchange import Cost, Exchange, closing_line
from workers_app.agents.messages_api import (
    ClaudeConnection,
    build_request,
    judge_error,
    make_client,
    stream_answer,
)
from workers_app.executors.arguments import check_against, parse_arguments
from workers_app.executors.contract import ArgumentProblem, Call

_MESSAGE_CHARACTERS: Final = 500
_clients: dict[tuple[int, "ClaudeConnection"], Any] = {}


class Claude:
    """Asks Claude once and answers with its text, or with JSON when ``output_schema`` is given.

    ``connection`` is asked before each call, so a changed key needs no restart.
    ``cost`` says what a model's tokens cost; without it that is left to whoever takes the report.
    """

    name: ClassVar[str] = "claude"

    def __init__(self, connection: Callable[[], ClaudeConnection], *, cost: Cost | None = None) -> None:
        self._connection = connection
        self._cost = cost

    def check_arguments(
        self, arguments: Mapping[str, JSON], *, templated: frozenset[str]
    ) -> Sequence[ArgumentProblem]:
        return check_against(ClaudeArguments, arguments, templated=templated)

    def execute(self, call: Call) -> Outcome:
        started = time.monotonic()
        arguments = parse_arguments(ClaudeArguments, call.arguments)
        if isinstance(arguments, Failed):
            return arguments
        connection = self._connection()
        exchange = Exchange(arguments=arguments, simulated=connection.simulated)
        call.log(f"Asking {arguments.model}" + (f" as {arguments.role}" if arguments.role else ""))
        outcome = self._ask(call, exchange, connection, started)
        call.log(closing_line(outcome))
        return outcome

    def _ask(self, call: Call, exchange: Exchange, connection: ClaudeConnection, started: float) -> Outcome:
        if not connection.api_key:
            return exchange.not_configured(self._report(exchange))
        try:
            request = _request(exchange.arguments)  # loads the SDK here, not on the loop all calls share
            left = (
                None if call.timeout_seconds is None else call.timeout_seconds - (time.monotonic() - started)
            )
            if call.cancellation.requested:
                raise event_loop.StoppedByRequest  # noqa: TRY301 - the same answer as a moment later
            call.before_waiting()
            event_loop.run(_stream(request, exchange, connection), call.cancellation, left and max(left, 0.0))
        except event_loop.StoppedByRequest:
            return Interrupted(reason=call.cancellation.reason, report=self._report(exchange))
        except event_loop.StoppedByTimeout:
            return Failed(
                kind="timeout",
                message=f"Claude had not finished answering after {call.timeout_seconds:g} seconds.",
                retryable=True,
                output=exchange.answer or None,
                report=self._report(exchange),
            )
        except Exception as error:
            return self._failure(error, exchange, connection)
        return exchange.outcome(self._report(exchange))

    def _report(self, exchange: Exchange) -> Report:
        return exchange.report(self._cost)

    def _failure(self, error: Exception, exchange: Exchange, connection: ClaudeConnection) -> Failed:
        verdict = judge_error(error, answer=exchange)
        judgement = verdict.judgement
        sentence = redact_text(verdict.message, known=[connection.api_key or ""])[:_MESSAGE_CHARACTERS]
        return Failed(
            kind=judgement.kind,
            message=f"{sentence} {judgement.advice}".strip(),
            retryable=judgement.retryable,
            retry_after_seconds=verdict.pause_seconds if judgement.retryable else None,
            detail=dict(verdict.facts),
            output=exchange.answer or None,
            report=self._report(exchange),
        )


def close() -> None:
    """Close this process's connections and its loop, when a worker process ends."""
    clients = [_clients.pop(key) for key in list(_clients) if key[0] == os.getpid()]
    if clients:
        event_loop.close_all([client.close for client in clients])
    event_loop.stop()


def _request(arguments: ClaudeArguments) -> dict[str, Any]:
    return build_request(
        model=arguments.model,
        prompt=arguments.prompt,
        max_tokens=arguments.max_tokens,
        system=arguments.system_as_sent,
        effort=arguments.effort,
        output_schema=arguments.output_schema,
    )


async def _stream(request: dict[str, Any], exchange: Exchange, connection: ClaudeConnection) -> None:
    await stream_answer(_client(connection), request=request, answer=exchange)


def _client(connection: ClaudeConnection) -> Any:
    """Return this process's client for a connection. It needs no lock: only the loop's thread calls it."""
    key = (os.getpid(), connection)
    if key not in _clients:
        _clients[key] = make_client(connection)
    return _clients[key]
