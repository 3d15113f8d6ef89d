import gzip
import json
import threading
import time
from datetime import UTC, datetime

import pytest

from tasks_app.outcomes import Completed, Failed, Interrupted
from tests.support.waiting import wait_until
from tests.unit.executors.builders import a_call
from tests.unit.executors.http_server import a_server, reply
from workers_app import registry
from workers_app.executors.cancellation import Cancellation
from workers_app.executors.http.executor import HttpRequest

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LIMIT = 100_000


@pytest.fixture
def server():
    with a_server() as server:
        yield server


@pytest.fixture
def http_request():
    return HttpRequest(allowed_hosts=lambda: ["127.0.0.1"], max_body_bytes=LIMIT, now=lambda: NOW)


@pytest.fixture
def send(http_request, tmp_path):
    def send(url, **arguments):
        return http_request.execute(a_call(tmp_path, url=url, **arguments))

    return send


def test_an_answer_in_json_is_parsed(server, send):
    server.answers["/"] = reply(body=b'{"a": [1, null]}', Content_Type="application/json; charset=utf-8")

    outcome = send(server.url("/"))

    assert isinstance(outcome, Completed)
    assert outcome.output["status"] == 200
    assert outcome.output["json"] == {"a": [1, None]}
    assert "text" not in outcome.output


@pytest.mark.parametrize("kind", ["application/problem+json", "application/json"])
@pytest.mark.parametrize("body", [b"{", b"NaN", b"1e999", b"[" * 5000, b"[" * 150 + b"]" * 150, b"\xff"])
def test_json_that_cannot_be_kept_stays_text(server, send, kind, body):
    server.answers["/"] = reply(body=body, Content_Type=kind)

    assert send(server.url("/")).output["text"] == body.decode(errors="replace")


def test_what_no_database_stores_is_left_out_of_json(server, send):
    server.answers["/"] = reply(body=b'{"k\\u0000": "a\\u0000b\\ud800"}', Content_Type="application/json")

    assert send(server.url("/")).output["json"] == {"k": "ab?"}


def test_other_answers_are_text_in_their_charset(server, send):
    server.answers["/"] = reply(
        body="gr\u00fcn\0".encode("latin-1"), Content_Type="text/plain; charset=latin-1"
    )

    assert send(server.url("/")).output["text"] == "gr\u00fcn"


def test_header_names_are_lower_case_and_secrets_in_headers_hidden(server, send):
    server.answers["/"] = reply(X_Thing="1", Set_Cookie="session=abc", X_Key="Bearer abcdefghijklmnop")

    headers = send(server.url("/")).output["headers"]

    assert headers["x-thing"] == "1"
    assert headers["set-cookie"] == "[redacted]"
    assert "abcdefghijklmnop" not in headers["x-key"]


def test_the_request_carries_what_was_asked_for(server, send):
    server.answers["/things"] = reply(201)

    send(server.url("/things?q=1"), method="put", json={"a": 1}, headers={"X-Mine": "yes"})

    [received] = server.received
    assert received.line == "PUT /things?q=1 HTTP/1.1"
    assert received.body == b'{"a": 1}'
    assert received.headers["content-type"] == "application/json"
    assert received.headers["x-mine"] == "yes"
    assert received.headers["host"] == f"127.0.0.1:{server.port}"


def test_json_null_is_a_body_too(server, send):
    server.answers["/"] = reply()

    send(server.url("/"), method="POST", json=None)

    assert server.received[0].body == b"null"


def test_a_body_is_sent_as_it_is(server, send):
    server.answers["/"] = reply()

    send(
        server.url("/"),
        method="POST",
        body="a=1",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert server.received[0].body == b"a=1"
    assert server.received[0].headers["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("method", "key"), [("POST", "key-of-the-attempt"), ("PATCH", "key-of-the-attempt"), ("PUT", None)]
)
def test_methods_that_must_not_be_repeated_carry_the_key_of_the_attempt(server, send, method, key):
    server.answers["/"] = reply()

    send(server.url("/"), method=method)

    assert server.received[0].headers.get("idempotency-key") == key


def test_the_users_own_idempotency_key_wins(server, send):
    server.answers["/"] = reply()

    send(server.url("/"), method="POST", headers={"idempotency-Key": "mine"})

    assert server.received[0].headers["idempotency-key"] == "mine"


def test_a_head_request_has_no_body_to_wait_for(server, send):
    server.answers["/"] = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\nContent-Encoding: gzip\r\n\r\n"

    assert send(server.url("/"), method="HEAD").output["text"] == ""


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (408, "timeout"),
        (409, "conflict"),
        (429, "rate_limit"),
        (500, "server_error"),
        (503, "server_error"),
        (599, "server_error"),
    ],
)
def test_a_status_that_may_pass_is_worth_a_retry(server, send, status, kind):
    server.answers["/"] = reply(status, b"why")

    outcome = send(server.url("/"))

    assert (outcome.kind, outcome.retryable, outcome.detail) == (kind, True, {"status": status})
    assert outcome.output["text"] == "why"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 425, 304])
def test_a_status_that_will_not_pass_is_not(server, send, status):
    server.answers["/"] = reply(status)

    outcome = send(server.url("/"))

    assert (outcome.kind, outcome.retryable) == ("http_status", False)


@pytest.mark.parametrize(
    ("expected", "status", "completes"),
    [
        (404, 404, True),
        ([200, 404], 404, True),
        ("4xx", 404, True),
        (["2xx", "404"], 200, True),
        (201, 200, False),
    ],
)
def test_the_expected_statuses_decide_what_is_a_success(server, send, expected, status, completes):
    server.answers["/"] = reply(status)

    assert isinstance(send(server.url("/"), expect_status=expected), Completed) is completes


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("Sat, 21 Nov 2026 12:01:30 GMT", 90.0),
        ("Sat, 21 Nov 2020 12:01:30 GMT", 0.0),
        ("999999999999", 86400.0),
        ("soon", None),
        ("-5", None),
        ("\u00b2", None),
    ],
)
def test_the_servers_wish_to_wait_is_passed_on(server, send, value, seconds):
    server.answers["/"] = reply(429, Retry_After=value)

    assert send(server.url("/")).retry_after_seconds == seconds


def test_a_compressed_answer_is_unpacked(server, send):
    packed = gzip.compress(b"part one ") + gzip.compress(b"part two")
    server.answers["/"] = reply(body=packed, Content_Encoding="gzip")

    assert send(server.url("/")).output["text"] == "part one part two"


@pytest.mark.parametrize(
    "answer",
    [
        reply(body=b"x" * (LIMIT + 1)),
        reply(body=gzip.compress(b"\0" * 50_000_000), Content_Encoding="gzip"),
        lambda connection, _: connection.sendall(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"2710\r\n" + b"y" * 10000 + b"\r\n" + b"2710\r\n" * 1 + (b"y" * 10000 + b"\r\n2710\r\n") * 30
        ),
    ],
    ids=["plain", "gzip bomb", "endless chunks"],
)
def test_an_answer_over_the_limit_is_a_permanent_failure(server, send, answer):
    server.answers["/"] = answer

    outcome = send(server.url("/"))

    assert (outcome.kind, outcome.retryable) == ("response_too_large", False)


def test_an_answer_of_exactly_the_limit_is_kept(server, send):
    server.answers["/"] = reply(body=gzip.compress(b"x" * LIMIT), Content_Encoding="gzip")

    assert len(send(server.url("/")).output["text"]) == LIMIT


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(b"no gzip", "gzip"), (gzip.compress(b"x" * 1000)[:-9], "gzip"), (b"x", "br")],
    ids=["no gzip", "cut short", "not asked for"],
)
def test_a_body_that_is_not_what_its_headers_say_is_a_bad_response(server, send, body, encoding):
    server.answers["/"] = reply(body=body, Content_Encoding=encoding)

    assert send(server.url("/")).kind == "bad_response"


def test_headers_without_end_are_too_large(server, send):
    server.answers["/"] = lambda connection, _: connection.sendall(
        b"HTTP/1.1 200 OK\r\n" + b"X-Filler: " + b"z" * 300_000
    )

    assert send(server.url("/")).kind == "response_too_large"


def drip(piece):
    """Keep sending ``piece``, so that no single read ever waits long."""

    def answer(connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(piece)
            threading.Event().wait(0.02)

    return answer


SLOW = {
    "headers": drip(b"X-A: b\r\n"),
    "informational answers": drip(b"\r\nHTTP/1.1 100 Continue\r\n"),
    "body": drip(b"\r\n"),
    "silence": lambda connection, _: connection.recv(1),
}


@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
def test_a_slow_answer_ends_at_the_deadline_of_the_whole_call(server, send, answer):
    server.answers["/"] = answer
    started = time.monotonic()

    outcome = send(server.url("/"), timeout="500ms")

    assert (outcome.kind, outcome.retryable) == ("timeout", True)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
def test_cancelling_ends_a_call_within_a_second(server, http_request, tmp_path, answer):
    server.answers["/"] = answer
    cancellation = Cancellation()
    outcomes = []
    call = a_call(tmp_path, url=server.url("/"), cancellation=cancellation)
    thread = threading.Thread(target=lambda: outcomes.append(http_request.execute(call)))
    thread.start()
    wait_until(lambda: server.received)

    asked = time.monotonic()
    cancellation.request("lost claim")
    thread.join(5)

    assert outcomes == [Interrupted(reason="lost claim")]
    assert time.monotonic() - asked < 5


def test_a_cancelled_call_is_never_sent(server, http_request, tmp_path):
    cancellation = Cancellation()
    cancellation.request("paused")

    outcome = http_request.execute(a_call(tmp_path, url=server.url("/"), cancellation=cancellation))

    assert outcome == Interrupted(reason="paused")
    assert server.received == []


def test_a_host_that_never_accepts_the_body_ends_at_the_deadline(server, send):
    server.answers["/"] = reply()
    server.read = lambda _connection: server.stopping.wait(10) and None

    outcome = send(server.url("/"), method="POST", body="x" * 50_000_000, timeout=0.5)

    assert outcome.kind == "timeout"


@pytest.mark.parametrize(
    "answer",
    [
        lambda connection, _: connection.close(),
        lambda connection, _: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
        lambda connection, _: connection.sendall(b"SSH-2.0-OpenSSH\r\n"),
    ],
    ids=["closed", "cut short", "another protocol"],
)
def test_a_broken_connection_is_worth_a_retry(server, send, answer):
    server.answers["/"] = answer

    outcome = send(server.url("/"))

    assert (outcome.kind, outcome.retryable) == ("connection", True)


def test_a_port_nobody_listens_on_is_worth_a_retry(send):
    with a_server() as gone:
        url = gone.url("/")

    assert (send(url).kind, send(url).retryable) == ("connection", True)


def test_proxies_named_in_the_environment_are_not_used(server, send, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    server.answers["/"] = reply()

    assert isinstance(send(server.url("/")), Completed)


def test_secrets_are_in_no_message_and_no_detail(server, send):
    server.answers["/"] = reply(500)

    outcome = send(server.url("/?token=s3cret-token"), headers={"Authorization": "Bearer s3cret-token"})

    assert isinstance(outcome, Failed)
    assert "s3cret-token" not in repr(outcome)


@pytest.fixture
def as_registered(settings, monkeypatch):
    settings.CPDS = {**settings.CPDS, "allowed_hosts": ["127.0.0.1"], "output_bytes": 1 << 20}
    monkeypatch.setattr(registry, "_made", {})
    return registry.find_executor("http_request")


def test_a_body_that_no_output_could_hold_is_not_read(server, as_registered, tmp_path):
    server.answers["/"] = reply(body=b"x" * (1 << 20))

    outcome = as_registered.execute(a_call(tmp_path, url=server.url("/")))

    assert (outcome.kind, outcome.detail) == (
        "response_too_large",
        {"max_body_bytes": (1 << 20) - (64 << 10)},
    )


def test_the_largest_body_that_is_read_fits_into_an_output(server, as_registered, tmp_path):
    server.answers["/"] = reply(body=b"x" * ((1 << 20) - (64 << 10)))

    outcome = as_registered.execute(a_call(tmp_path, url=server.url("/")))

    assert isinstance(outcome, Completed)
    assert len(json.dumps(outcome.output)) < 1 << 20
