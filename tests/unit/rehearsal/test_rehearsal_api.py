"""The rehearsal speaks the Messages API: seen by the SDK, and by plain HTTP."""

import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.unit.rehearsal.stage import staged


@pytest.fixture
def stage():
    with staged() as made:
        yield made


def asked(stage, path, body=None, *, headers=None, method=None):
    """Send a request; return the status, the headers and the parsed body."""
    request = urllib.request.Request(
        stage.url + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"x-api-key": "k", "content-type": "application/json"} if headers is None else headers,
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            raw, status, head = answer.read(), answer.status, answer.headers
    except urllib.error.HTTPError as error:
        raw, status, head = error.read(), error.code, error.headers
    return status, head, json.loads(raw) if head["content-type"] == "application/json" else raw.decode()


def a_message(**more):
    messages = [{"role": "user", "content": "Describe it\nFeature: Saved searches"}]
    return {"model": "claude-opus-5-5", "max_tokens": 1000, "messages": messages, **more}


def test_a_whole_message_has_the_fields_of_the_api(stage):
    status, headers, message = asked(stage, "/v1/messages?beta=true", a_message())

    assert status == 200
    assert message["type"] == "message"
    assert message["role"] == "assistant"
    assert message["model"] == "claude-opus-5-5"
    assert message["stop_reason"] == "end_turn"
    assert message["content"][0]["type"] == "text"
    assert message["usage"].keys() >= {
        "input_tokens",
        "output_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "service_tier",
    }
    assert headers["request-id"].startswith("req_rehearsal_")
    assert headers["x-cpds-simulated"] == "true"
    assert int(headers["anthropic-ratelimit-requests-remaining"]) < int(
        headers["anthropic-ratelimit-requests-limit"]
    )


def test_a_stream_has_the_events_of_the_api_in_their_order(stage):
    _, _, text = asked(stage, "/v1/messages", a_message(stream=True))

    names = [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]
    deltas = names.count("content_block_delta")
    assert deltas > 1
    assert names == [
        "message_start",
        "content_block_start",
        "ping",
        *["content_block_delta"] * deltas,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


def test_a_stream_says_what_the_whole_message_says(stage):
    _, _, message = asked(stage, "/v1/messages", a_message())
    _, _, text = asked(stage, "/v1/messages", a_message(stream=True))

    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    said = "".join(event["delta"]["text"] for event in events if event["type"] == "content_block_delta")
    assert said == message["content"][0]["text"]
    assert events[-2]["usage"] == message["usage"]


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer k"}, {"x-api-key": "k"}])
def test_both_ways_to_show_a_key_are_taken(stage, headers):
    assert asked(stage, "/v1/messages", a_message(), headers=headers)[0] == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer "}])
def test_no_key_is_an_authentication_error(stage, headers):
    status, _, body = asked(stage, "/v1/messages", a_message(), headers=headers)

    assert status == 401
    assert body["error"]["type"] == "authentication_error"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ([], 400),
        ({}, 400),
        (a_message(model=""), 400),
        (a_message(model="gpt"), 404),
        (a_message(max_tokens=0), 400),
        (a_message(max_tokens=None), 400),
        (a_message(messages=[]), 400),
    ],
)
def test_what_the_api_would_refuse_is_refused(stage, body, status):
    answered, _, error = asked(stage, "/v1/messages", body)

    assert answered == status
    assert error["type"] == "error"
    assert error["request_id"].startswith("req_rehearsal_")


def test_a_temperature_is_refused_from_the_version_on_that_has_none(stage):
    old = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
    new = {"x-api-key": "k", "anthropic-version": "2026-10-21"}

    assert asked(stage, "/v1/messages", a_message(temperature=1), headers=old)[0] == 200
    assert asked(stage, "/v1/messages", a_message(temperature=1), headers=new)[0] == 400


def test_a_body_that_is_not_json_is_refused(stage):
    request = urllib.request.Request(stage.url + "/v1/messages", data=b"{", headers={"x-api-key": "k"})

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)

    assert refused.value.code == 400
    refused.value.close()


def test_tokens_are_counted_as_a_message_counts_them(stage):
    _, _, message = asked(stage, "/v1/messages", a_message(system="Be brief"))
    _, _, counted = asked(stage, "/v1/messages/count_tokens", a_message(system="Be brief"))

    assert counted == {"input_tokens": message["usage"]["input_tokens"]}


def test_models_are_listed_and_described(stage):
    _, _, page = asked(stage, "/v1/models")
    _, _, model = asked(stage, "/v1/models/claude-opus-5-5")

    assert model in page["data"]
    assert model["display_name"] == "Claude Opus 5.5"
    assert asked(stage, "/v1/models/claude-nobody")[0] == 404


def test_what_was_asked_can_be_read_back_but_not_the_key(stage):
    asked(stage, "/v1/messages", a_message(system="Be brief"), headers={"x-api-key": "a-secret-key"})

    _, _, page = asked(stage, "/_requests")

    assert page["requests"][0]["body"]["system"] == "Be brief"
    assert page["requests"][0]["client_left"] is False
    assert "a-secret-key" not in json.dumps(page)


def test_nothing_else_is_there(stage):
    assert asked(stage, "/v1/complete", {})[0] == 404
    assert asked(stage, "/v1/messages", method="GET")[0] == 404


def test_two_hundred_streams_at_once_are_all_answered():
    with staged({"delay": 0.2}) as stage, ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(lambda _: asked(stage, "/v1/messages", a_message(stream=True)), range(200)))

    assert {status for status, _, _ in answers} == {200}
    assert all("event: message_stop" in text for _, _, text in answers)
