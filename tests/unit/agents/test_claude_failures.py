"""How every way a call to Claude can go wrong is told, and what of it is kept."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks_app.outcomes import Completed, Failed, Interrupted
from tests.support.waiting import wait_until
from tests.unit.rehearsal.stage import staged
from workers_app.agents.exchange import Exchange
from workers_app.executors.cancellation import Cancellation

LONG_TEXT = "All the words of an answer that takes a while to arrive. " * 10
TWO_PIECES = LONG_TEXT[: 2 * -(-len(LONG_TEXT) // 6)]


def failing(status, error_type, **more):
    code = {"code": more.pop("code")} if "code" in more else {}
    message = more.pop("message", "It did not work")
    return {"status": status, "error": {"type": error_type, "message": message, **code}, **more}


@pytest.mark.parametrize(
    ("rule", "kind", "retryable"),
    [
        (failing(400, "invalid_request_error"), "bad_input", False),
        (failing(400, "invalid_request_error", message="prompt is too long: 9 tokens > 8 maximum"),
         "context_too_large", False),
        (failing(400, "invalid_request_error", message="You have reached your specified API usage limits."),
         "spend_limit", False),
        (failing(401, "authentication_error"), "authentication", False),
        (failing(402, "billing_error"), "spend_limit", False),
        (failing(403, "permission_error"), "authentication", False),
        (failing(404, "not_found_error"), "bad_input", False),
        (failing(408, "timeout_error"), "timeout", True),
        (failing(409, "conflict_error"), "conflict", True),
        (failing(413, "invalid_request_error"), "context_too_large", False),
        (failing(422, "invalid_request_error"), "bad_input", False),
        (failing(429, "rate_limit_error"), "rate_limit", True),
        (failing(429, "rate_limit_error", code="ramp_limit_exceeded"), "rate_limit", True),
        (failing(429, "rate_limit_error", code="enforced_spend_limit_reached"), "spend_limit", False),
        (failing(429, "rate_limit_error", code="contract_spend_limit_reached"), "spend_limit", False),
        (failing(418, "api_error"), "bad_input", False),
        (failing(499, "api_error"), "connection", False),
        (failing(500, "api_error"), "server_error", True),
        (failing(501, "api_error"), "server_error", True),
        (failing(503, "api_error"), "server_error", True),
        (failing(504, "timeout_error"), "server_error", True),
        (failing(529, "overloaded_error"), "overloaded", True),
        (failing(500, "api_error", headers={"x-should-retry": "false"}), "server_error", False),
        (failing(429, "rate_limit_error", headers={"x-should-retry": "false"}), "rate_limit", False),
        (failing(400, "invalid_request_error", headers={"x-should-retry": "true"}), "bad_input", False),
        (failing(499, "api_error", headers={"x-should-retry": "true"}), "connection", False),
    ],
)  # fmt: skip
def test_an_error_answer_is_told_by_its_kind(rule, kind, retryable):
    with staged(rule) as stage:
        outcome = stage.ask("A question")

    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.retryable) == (kind, retryable)
    assert outcome.detail["status"] == rule["status"]
    assert outcome.report.prompt == "A question"
    assert outcome.report.call_id == outcome.detail["request_id"] == "req_rehearsal_000001"
    assert outcome.report.simulated
    assert outcome.report.cost_usd_micros is None
    assert stage.app.asked == 1, "the SDK must not try again by itself"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after": "Fri, 20 Nov 2026 09:00:30 GMT", "date": "Fri, 20 Nov 2026 09:00:00 GMT"}, 30.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_the_pause_the_server_asks_for_is_passed_on(headers, seconds):
    with staged(failing(429, "rate_limit_error", headers=headers)) as stage:
        outcome = stage.ask()

    assert outcome.retry_after_seconds == seconds
    assert outcome.detail["rate_limits"]["requests-limit"] == "4000"


def test_usage_that_grew_too_fast_is_held_back_for_longer():
    with staged(failing(429, "rate_limit_error", code="ramp_limit_exceeded")) as stage:
        assert stage.ask().retry_after_seconds == 60


def test_an_error_inside_the_stream_is_told_by_its_type_and_keeps_what_was_said():
    rule = {"text": LONG_TEXT, "breaks": "error", "after_pieces": 2, "error": {"type": "overloaded_error"}}
    with staged(rule) as stage:
        outcome = stage.ask()

    assert (outcome.kind, outcome.retryable) == ("overloaded", True)
    assert outcome.detail["status"] == 200
    assert_half_is_kept(outcome)


@pytest.mark.parametrize(
    ("error_type", "kind", "retryable"),
    [
        ("rate_limit_error", "rate_limit", True),
        ("api_error", "server_error", True),
        ("timeout_error", "timeout", True),
        ("invalid_request_error", "bad_input", False),
        ("an_error_yet_unknown", "server_error", True),
    ],
)
def test_other_errors_inside_the_stream(error_type, kind, retryable):
    with staged({"breaks": "error", "error": {"type": error_type}}) as stage:
        outcome = stage.ask()

    assert (outcome.kind, outcome.retryable) == (kind, retryable)


def test_a_connection_cut_in_the_middle_keeps_what_was_said():
    with staged({"text": LONG_TEXT, "breaks": "cut", "after_pieces": 2}) as stage:
        outcome = stage.ask()

    assert (outcome.kind, outcome.retryable) == ("connection", True)
    assert_half_is_kept(outcome)


def test_a_stream_that_just_ends_is_truncated_and_not_taken_for_an_answer():
    with staged({"text": LONG_TEXT, "breaks": "truncate", "after_pieces": 2}) as stage:
        outcome = stage.ask()

    assert (outcome.kind, outcome.retryable) == ("truncated", True)
    assert_half_is_kept(outcome)


def test_nobody_listening_is_a_broken_connection():
    with socket.socket() as bound, staged() as stage:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        outcome = stage.executor(base_url=f"http://127.0.0.1:{port}").execute(stage.call(prompt="Hi"))

    assert (outcome.kind, outcome.retryable) == ("connection", True)
    assert outcome.report.call_id is None


@pytest.mark.parametrize(
    ("rule", "kind", "retryable"),
    [
        (
            {"stop_reason": "refusal", "stop_details": {"type": "refusal", "category": "cyber"}},
            "refusal",
            False,
        ),
        ({"stop_reason": "max_tokens"}, "max_tokens", False),
        ({"stop_reason": "model_context_window_exceeded"}, "context_too_large", False),
        ({"stop_reason": "pause_turn"}, "pause_turn", True),
        ({"stop_reason": "tool_use"}, "tool_use", False),
        ({"stop_reason": "a_reason_yet_unknown"}, "unknown_stop_reason", False),
        ({"text": ""}, "empty_answer", True),
    ],
)
def test_an_answer_that_ends_otherwise_than_by_its_own_will_is_a_failure(rule, kind, retryable):
    with staged(rule) as stage:
        outcome = stage.ask()

    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.retryable) == (kind, retryable)
    assert outcome.report.tokens["output_tokens"] >= 1
    assert outcome.report.cost_usd_micros is not None


def test_a_refusal_names_its_category():
    with staged({"stop_reason": "refusal", "stop_details": {"type": "refusal", "category": "bio"}}) as stage:
        outcome = stage.ask()

    assert "bio" in outcome.message
    assert outcome.detail["stop_details"]["category"] == "bio"


def test_an_answer_that_reaches_max_tokens_says_what_to_raise_and_keeps_the_part():
    with staged({"text": LONG_TEXT}) as stage:
        outcome = stage.ask(max_tokens=5)

    assert outcome.kind == "max_tokens"
    assert "max_tokens (5)" in outcome.message
    assert outcome.output == outcome.report.answer == LONG_TEXT[:20]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Here you are: {}", "not JSON"),
        ('{"score": NaN}', "NaN"),
        ('{"score": 1e999}', "too large"),
        ('{"score": 11}', "at score"),
        ("{}", "'score' is a required property"),
    ],
)
def test_json_that_does_not_match_the_schema_may_be_asked_for_again(text, told):
    schema = {
        "type": "object",
        "properties": {"score": {"type": "number", "maximum": 10}},
        "required": ["score"],
    }
    with staged({"text": text}) as stage:
        outcome = stage.ask(output_schema=schema)

    assert (outcome.kind, outcome.retryable) == ("invalid_output", True)
    assert told in outcome.message
    assert outcome.output == outcome.report.answer == text


def test_a_key_never_shows_in_a_message():
    with staged(failing(401, "authentication_error", message="invalid key abc-very-secret")) as stage:
        outcome = stage.executor(api_key="abc-very-secret").execute(stage.call(prompt="Hi"))

    assert "abc-very-secret" not in repr(outcome)


def test_cancelling_ends_the_call_at_once_and_keeps_what_was_said(pieces_seen):
    with staged({"text": LONG_TEXT, "breaks": "stall", "after_pieces": 2}) as stage:
        outcome, seconds = interrupted(stage, when=lambda: len(pieces_seen) == 2)

        assert isinstance(outcome, Interrupted)
        assert outcome.reason == "cancelled by a person"
        assert seconds < 1
        assert outcome.report.answer == TWO_PIECES
        assert outcome.report.tokens["input_tokens"] > 0
        assert outcome.report.metadata["tokens_are_partial"]
        wait_until(lambda: stage.app.requests[0]["client_left"], message="the server to see the call end")


def test_cancelling_before_the_first_word_ends_the_call_at_once():
    with staged({"delay": 30}) as stage:
        outcome, seconds = interrupted(stage, when=lambda: len(stage.app.requests) == 1)

    assert isinstance(outcome, Interrupted)
    assert seconds < 1
    assert outcome.report.prompt == "A question"


def test_a_call_cancelled_before_it_began_is_never_made():
    with staged() as stage:
        cancellation = Cancellation()
        cancellation.request("lost its claim")
        outcome = stage.executor().execute(stage.call(prompt="Hi", cancellation=cancellation))

    assert isinstance(outcome, Interrupted)
    assert outcome.reason == "lost its claim"
    assert not stage.app.requests


def test_time_that_runs_out_stops_the_call_and_keeps_what_was_said():
    rule = {"when": {"contains": "A question"}, "text": LONG_TEXT, "breaks": "stall", "after_pieces": 2}
    with staged(rule) as stage:
        stage.ask("Load the SDK first, which takes its time")
        outcome = stage.executor().execute(stage.call(prompt="A question", timeout_seconds=1.5))

        assert (outcome.kind, outcome.retryable) == ("timeout", True)
        assert "1.5 seconds" in outcome.message
        assert outcome.output == outcome.report.answer == TWO_PIECES
        wait_until(lambda: stage.app.requests[1]["client_left"], message="the server to see the call end")


def test_a_call_after_a_failed_one_works_on_the_same_client():
    with staged({"when": {"call": 1}, "breaks": "cut"}) as stage:
        executor = stage.executor()
        first = executor.execute(stage.call(prompt="Hi"))
        second = executor.execute(stage.call(prompt="Hi"))

    assert isinstance(first, Failed)
    assert isinstance(second, Completed)


@pytest.fixture
def pieces_seen(monkeypatch):
    """The pieces of text the executor has taken from the stream."""
    seen = []
    see_event = Exchange.see_event

    def watched(exchange, event):
        see_event(exchange, event)
        if event["type"] == "content_block_delta":
            seen.append(event)

    monkeypatch.setattr(Exchange, "see_event", watched)
    return seen


def interrupted(stage, *, when):
    """Cancel a call once ``when`` holds; return its outcome and how long the cancelling took."""
    cancellation = Cancellation()
    with ThreadPoolExecutor(1) as pool:
        call = stage.call(prompt="A question", cancellation=cancellation)
        future = pool.submit(stage.executor().execute, call)
        wait_until(when, message="the call to get under way")
        asked_at = time.monotonic()
        cancellation.request("cancelled by a person")
        return future.result(10), time.monotonic() - asked_at


def assert_half_is_kept(outcome):
    assert isinstance(outcome, Failed)
    assert outcome.output == outcome.report.answer == TWO_PIECES
    assert outcome.report.tokens["input_tokens"] > 0
    assert outcome.report.cost_usd_micros > 0
    assert outcome.report.metadata["tokens_are_partial"]
