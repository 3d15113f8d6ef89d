"""The rehearsal as an ASGI application: the Messages API, the list of models, and what it was asked."""

import ipaddress
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from workers_app.agents.rehearsal.answers import delay_fraction
from workers_app.agents.rehearsal.asgi import BodyTooLarge, ClientLeft, Connection, Receive, Scope, Send
from workers_app.agents.rehearsal.reply import Reply, as_sse, reply_to, tokens_in
from workers_app.agents.rehearsal.request import BadRequest, MessagesRequest, parse_request, question_of
from workers_app.agents.rehearsal.script import Error, Rule, Script

MODELS: Final = (
    "claude-fable-5-2",
    "claude-haiku-5-5",
    "claude-sonnet-5-5",
    "claude-opus-5-5",
    "claude-fable-5-1",
    "claude-sonnet-5",
    "claude-opus-5",
    "claude-haiku-4-5",
)
LEAST_SECONDS: Final = 0.15
MOST_SECONDS: Final = 0.6
KEPT_REQUESTS: Final = 500
SIMULATED: Final = {"x-cpds-simulated": "true"}


@dataclass
class Rehearsal:
    """The application. ``latency`` scales how long an answer takes; 0 answers at once."""

    script: Script = field(default_factory=Script)
    latency: float = 1.0
    requests: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=KEPT_REQUESTS))
    asked: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        connection = Connection(scope, receive, send)
        self.asked += 1
        request_id = f"req_rehearsal_{self.asked:06d}"
        connection.extra_headers = {"request-id": request_id, **SIMULATED, **_rate_limits(self.asked)}
        try:
            await self._route(connection, request_id)
        except BadRequest as bad:
            await connection.send_json(bad.status, Error(type=bad.type, message=str(bad)).body(request_id))
        except BodyTooLarge:
            error = Error(type="invalid_request_error", message="The request is too large")
            await connection.send_json(413, error.body(request_id))
        except ClientLeft:
            pass
        finally:
            connection.close()

    async def _route(self, connection: Connection, request_id: str) -> None:
        match connection.method, connection.path.rstrip("/"):
            case "POST", "/v1/messages":
                await self._messages(connection, request_id)
            case "POST", "/v1/messages/count_tokens":
                _require_key(connection)
                question = question_of(await _json_body(connection))
                count = tokens_in(question.system + question.prompt)
                await connection.send_json(200, {"input_tokens": count})
            case "GET", "/v1/models":
                await connection.send_json(200, _page([_model(name) for name in MODELS]))
            case "GET", path if path.removeprefix("/v1/models/") in MODELS:
                await connection.send_json(200, _model(path.removeprefix("/v1/models/")))
            case "GET", "/_requests" if _is_loopback(connection.client):
                await connection.send_json(200, {"requests": list(self.requests)})
            case _:
                raise BadRequest("There is nothing here", status=404, error_type="not_found_error")

    async def _messages(self, connection: Connection, request_id: str) -> None:
        _require_key(connection)
        body = await _json_body(connection)
        record = {"request_id": request_id, "path": connection.path, "body": body, "client_left": False}
        self.requests.append(record)
        request = parse_request(body, connection.headers.get("anthropic-version", ""))
        rule = self.script.rule_for(request.question, request.model)
        try:
            await connection.pause(rule.delay)
            await self._answer(connection, request, rule, request_id)
        except ClientLeft:
            record["client_left"] = True
            raise

    async def _answer(
        self, connection: Connection, request: MessagesRequest, rule: Rule, request_id: str
    ) -> None:
        if rule.status >= 400:
            await connection.send_json(rule.status, rule.error.body(request_id), rule.headers)
            return
        reply = reply_to(
            request.question, rule, model=request.model, max_tokens=request.max_tokens, number=self.asked
        )
        seconds = LEAST_SECONDS + (MOST_SECONDS - LEAST_SECONDS) * delay_fraction(request.question)
        if not request.stream:
            await connection.pause(seconds * self.latency)
            await connection.send_json(200, reply.message(), rule.headers)
            return
        await connection.start(200, rule.headers, content_type="text/event-stream; charset=utf-8")
        await self._stream(connection, reply, rule, request_id, seconds * self.latency)

    async def _stream(
        self, connection: Connection, reply: Reply, rule: Rule, request_id: str, seconds: float
    ) -> None:
        for event in reply.opening():
            await connection.send_chunk(as_sse(event))
        for number, event in enumerate(reply.deltas()):
            if rule.breaks and number == rule.after_pieces:
                break
            await connection.pause(seconds / reply.pieces)
            await connection.send_chunk(as_sse(event))
        match rule.breaks:
            case "cut":
                return  # the server closes a connection whose answer was left unfinished
            case "stall":
                await connection.pause(None)
            case "error":
                await connection.send_chunk(as_sse(rule.error.body(request_id)), last=True)
            case "truncate":
                await connection.send_chunk(b"", last=True)
            case None:
                for event in reply.closing():
                    await connection.send_chunk(as_sse(event))
                await connection.send_chunk(b"", last=True)


async def _json_body(connection: Connection) -> Any:
    try:
        return json.loads(await connection.body())
    except ValueError as error:
        raise BadRequest("The request body is not valid JSON") from error


def _require_key(connection: Connection) -> None:
    bearer = connection.headers.get("authorization", "").removeprefix("Bearer ").strip()
    if not bearer and not connection.headers.get("x-api-key"):
        raise BadRequest("No API key was given", status=401, error_type="authentication_error")


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _rate_limits(asked: int) -> dict[str, str]:
    # Generous, and slowly going round, so that a reader of these headers has something to read.
    limits = {"requests": 4000, "tokens": 2_000_000, "input-tokens": 1_600_000, "output-tokens": 400_000}
    headers = {}
    for name, limit in limits.items():
        headers[f"anthropic-ratelimit-{name}-limit"] = str(limit)
        headers[f"anthropic-ratelimit-{name}-remaining"] = str(limit - asked % (limit // 2))
        headers[f"anthropic-ratelimit-{name}-reset"] = "2026-11-20T09:31:00Z"
    return headers


def _model(name: str) -> dict[str, Any]:
    words = name.removeprefix("claude-").split("-")
    return {
        "id": name,
        "type": "model",
        "display_name": f"Claude {words[0].capitalize()} {'.'.join(words[1:])}",
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_tokens": 128_000,
        "max_input_tokens": 1_000_000,
    }


def _page(models: list[dict[str, Any]]) -> dict[str, Any]:
    return {"data": models, "has_more": False, "first_id": models[0]["id"], "last_id": models[-1]["id"]}
