"""What probes and the curious are told, and what they are not."""

import threading

import jsonschema
import pytest
from django.test import Client, override_settings

from cpds.host.health import checks, views
from cpds.host.health.checks import Check

pytestmark = pytest.mark.django_db(transaction=True)
CHECKS = (
    *("/livez", "/readyz", "/health", "/api/health"),
    *("/api/v1/health", "/api/v1/health/database", "/api/v1/health/redis"),
)


@pytest.fixture
def ask():
    return Client(raise_request_exception=False).get


@pytest.fixture
def without_database(monkeypatch):
    monkeypatch.setattr(views, "database_answers", lambda: False)


def test_all_answer(ask):
    for path in ("livez", "readyz", "health", "api/health", "api/v1/health"):
        assert ask(f"/{path}").status_code == 200, path
    for path in ("database", "redis"):
        assert ask(f"/api/v1/health/{path}").json()["status"] == "connected"


def test_the_keys_of_each_system_are_there(ask):
    assert ask("/api/health").json() == {"status": "healthy", "mode": "standalone"}
    health, v1 = ask("/health").json(), ask("/api/v1/health").json()
    assert (health["status"], health["code"], health["success"]) == ("healthy", 0, True)
    assert health["data"].keys() == {"status", "version", "uptime", "timestamp"}
    assert {"status", "app", "version", "services", "success"} <= v1.keys()
    assert v1["services"] == {"database": "connected", "redis": "connected"}


def test_without_the_database_it_is_alive_and_not_ready(ask, without_database):
    assert ask("/livez").status_code == 200
    for path in ("readyz", "health", "api/v1/health", "api/v1/health/database"):
        assert ask(f"/{path}").status_code == 503, path


@pytest.mark.parametrize("path", CHECKS)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_they_are_read_only_and_say_so(path, method):
    client = Client(enforce_csrf_checks=True)

    told = client.generic(method, path)

    assert (told.status_code, told.headers["Allow"]) == (405, "GET, HEAD")
    assert told.json()["code"] == 405
    assert told.json()["errors"][0]["code"] == "method_not_allowed"
    assert client.head(path).status_code == 200


@pytest.fixture(scope="module")
def described():
    return Client().get("/api/schema").json()


@pytest.mark.parametrize("path", CHECKS)
@pytest.mark.parametrize("is_there", [True, False])
def test_the_schema_says_what_they_answer(ask, path, is_there, described, monkeypatch):
    for check in ("database_answers", "broker_answers"):
        monkeypatch.setattr(views, check, lambda: is_there)

    told = ask(path)

    response = described["paths"][path]["get"]["responses"][str(told.status_code)]
    shape = {**response["content"]["application/json"]["schema"], "components": described["components"]}
    jsonschema.validate(told.json(), shape, format_checker=jsonschema.FormatChecker())
    assert described["paths"][path]["get"]["security"] == []


def test_probes_may_ask_by_any_name_and_without_tls(ask):
    with override_settings(ALLOWED_HOSTS=["cpds.example"], SECURE_SSL_REDIRECT=True):
        assert ask("/livez", headers={"host": "10.1.2.3"}).status_code == 200
        assert ask("/readyz", headers={"host": "10.1.2.3"}).status_code == 200
        assert ask("/health", headers={"host": "10.1.2.3"}).status_code == 400


def test_a_hanging_server_costs_one_thread_and_no_more_time_than_allowed():
    asked, free = [], threading.Event()
    check = Check(lambda: (asked.append(1), free.wait(30)))

    assert [check.passes(within_seconds=0.05) for _ in range(3)] == [False] * 3
    assert len(asked) == 1
    free.set()
    assert check.passes(within_seconds=20)


def test_a_server_that_is_not_there_fails_the_check(settings):
    from celery import current_app

    current_app.conf.broker_url, kept = "redis://127.0.0.1:1/0", current_app.conf.broker_url
    try:
        with pytest.raises((checks.BrokerError, OSError)):
            checks._ask_broker()
    finally:
        current_app.conf.broker_url = kept
