"""A webhook's request as the receiver sees it, and where it refuses to go."""

import hashlib
import hmac
import json

import pytest

from cpds.base import clock
from tests.unit.executors.http_server import a_server, reply
from tests.unit.listeners.builders import an_event
from workers_app.errors import DeliveryFailed
from workers_app.listeners.webhook import Webhook

SECRET = "correct-horse-battery-staple"


@pytest.fixture
def server():
    with a_server() as server:
        server.answers["/hook"] = reply(204)
        yield server


@pytest.fixture
def webhook(server):
    def made(path="/hook", **more):
        options = {"secret": SECRET, "allowed_hosts": ["127.0.0.1"], **more}
        return Webhook(url=server.url(path), **options)

    return made


def test_it_posts_json_that_says_what_happened(server, webhook):
    webhook().deliver(an_event())

    (request,) = server.received
    assert request.line == "POST /hook HTTP/1.1"
    assert request.headers["content-type"] == "application/json"
    body = json.loads(request.body)
    assert body["id"] == request.headers["x-cpds-delivery"] == "0b6f"
    assert body["event"] == request.headers["x-cpds-event"] == "workflow.failed"
    assert (body["instance_id"], body["workflow"], body["status"]) == ("inst-1", "nightly-etl", "failed")
    assert body["happened_at"] == "2026-03-01T12:00:00+00:00"


def test_the_receiver_can_check_the_signature(server, webhook):
    webhook().deliver(an_event(message="naïve ☃"))

    (request,) = server.received
    timestamp = request.headers["x-cpds-timestamp"]
    expected = hmac.new(SECRET.encode(), timestamp.encode() + b"." + request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-cpds-signature"] == f"sha256={expected}"
    assert abs(clock.now().timestamp() - int(timestamp)) < 60


def test_the_secret_itself_is_not_sent(server, webhook):
    webhook().deliver(an_event())

    (request,) = server.received
    assert SECRET not in str(request)


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_any_other_answer_is_a_failure(server, webhook, status):
    server.answers["/hook"] = reply(status)

    with pytest.raises(DeliveryFailed, match=str(status)):
        webhook().deliver(an_event())


def test_a_redirect_is_not_followed(server, webhook):
    server.answers["/hook"] = reply(307, Location=server.url("/elsewhere"))

    with pytest.raises(DeliveryFailed, match="307"):
        webhook().deliver(an_event())
    assert len(server.received) == 1


def test_the_server_may_ask_for_patience(server, webhook):
    server.answers["/hook"] = reply(429, Retry_After="120")

    with pytest.raises(DeliveryFailed) as failed:
        webhook().deliver(an_event())
    assert failed.value.retry_after_seconds == 120


def test_a_server_that_does_not_answer_is_given_up(server, webhook):
    server.answers["/hook"] = lambda _connection, _request: server.stopping.wait(10)

    with pytest.raises(DeliveryFailed, match=r"did not answer within 0\.2 seconds"):
        webhook(timeout_seconds=0.2).deliver(an_event())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "[::1]"])
def test_a_private_address_is_refused(server, host, settings):
    settings.CPDS = {}
    listener = Webhook(url=f"http://{host}:{server.port}/hook", secret=SECRET)

    with pytest.raises(DeliveryFailed, match="refused"):
        listener.deliver(an_event())
    assert server.received == []


def test_a_private_address_may_be_allowed_by_the_settings(server, settings):
    settings.CPDS = {"allowed_hosts": [f"127.0.0.1:{server.port}"]}

    Webhook(url=server.url("/hook"), secret=SECRET).deliver(an_event())

    assert len(server.received) == 1


def test_a_failure_does_not_tell_the_path(server, webhook):
    server.answers["/T0KEN-in-the-path"] = reply(500)

    with pytest.raises(DeliveryFailed) as failed:
        webhook("/T0KEN-in-the-path").deliver(an_event())
    assert "T0KEN" not in str(failed.value)


def test_the_secret_may_come_from_the_environment_or_a_file(monkeypatch, tmp_path):
    monkeypatch.setenv("OPS_SECRET", SECRET)
    assert SECRET in Webhook(url="https://example.com", secret_env="OPS_SECRET").secrets

    (tmp_path / "secret").write_text(f"{SECRET}-2\n")
    monkeypatch.setenv("OPS_SECRET_FILE", str(tmp_path / "secret"))
    assert f"{SECRET}-2" in Webhook(url="https://example.com", secret_env="OPS_SECRET").secrets


@pytest.mark.parametrize(
    "options",
    [
        {"url": "https://example.com"},
        {"url": "https://example.com", "secret": "short"},
        {"url": "https://example.com", "secret_env": "NOT_SET_ANYWHERE"},
        {"url": "ftp://example.com", "secret": SECRET},
        {"url": "https://example.com", "secret": SECRET, "timeout_seconds": 0},
        {"url": "https://example.com", "secret": SECRET, "allowed_hosts": "127.0.0.1"},
    ],
)
def test_options_that_cannot_be_meant_are_refused_without_repeating_them(options):
    with pytest.raises(ValueError, match="expected") as refused:
        Webhook(**options)
    assert SECRET not in str(refused.value)
