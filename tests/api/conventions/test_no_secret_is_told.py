"""Secrets given to a real server: afterwards no row holds them that need not, and no line of its log."""

import json

import pytest
from django.apps import apps

from tests.api.conventions.test_real_server import Own
from tests.api.people import PASSWORD, everybody, token_for
from tests.support.builders import a_task, a_workflow

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
CANARY = "canary-4f1d-never-sings"
KEEPS_WHAT_WAS_GIVEN = {"tasks_app.instance.params"}
"""Workers are told it from there; whatever shows it hides it."""


@pytest.fixture
def web(database_url, broker, tmp_path, ended_after_test):
    program = ended_after_test(Own(directory=tmp_path, env={"CPDS_ACCESS_LOG": "1"}))
    program.start()
    return program


def columns_with(words):
    """Return the columns of all tables in which one of these words stands."""
    found = set()
    for model in apps.get_models():
        for row in model._base_manager.values():
            for column, value in row.items():
                if any(word in str(value) for word in words):
                    found.add(f"{model._meta.label_lower}.{column}")
    return found


def test_no_secret_is_told(web):
    people = everybody()
    token = token_for(people.user("admin"), people.mine)
    speaks = {"Authorization": f"Bearer {token}"}
    source = a_workflow(
        a_task("only", run="echo", text="{{ params.key }}"),
        params={"key": {"type": "string", "required": True, "secret": True}},
    )
    answers = []

    def ask(method, path, body=None, headers=speaks):
        status, head, content = web.request(method, path, json.dumps(body or {}).encode(), **headers)
        answers.append((path, head + content.decode()))
        return status, json.loads(content or b"{}")

    status, told = ask("POST", "/api/v1/workflows", {"content": source})
    assert status == 201, told
    stored = told["data"]["id"]
    status, told = ask("POST", f"/api/v1/workflows/{stored}/execute", {"params": {"key": CANARY}})
    assert status in {200, 201, 202}, told
    instance = next(value for key, value in told["data"].items() if str(value).startswith("inst-"))
    for part in ("", "/tasks", "/events", "/logs", "/graph", "/why"):
        assert ask("GET", f"/api/v1/instances/{instance}{part}")[0] == 200
    ask("POST", "/api/v1/auth/token", {"username": "mine-admin", "password": CANARY}, {})
    ask("POST", "/api/v1/auth/token", {"username": CANARY, "password": [CANARY]}, {})
    ask("POST", "/api/v1/auth/refresh", {"refresh": CANARY}, {})
    ask("GET", f"/api/v1/auth/me?token={CANARY}", None, {"Authorization": f"Bearer {CANARY}"})
    ask("POST", "/api/v1/projects", {"password": CANARY, "token": CANARY, "slug": "/"})
    tokens = ask("POST", "/api/v1/auth/token", {"username": "mine-viewer", "password": PASSWORD}, {})[1][
        "data"
    ]

    secrets = [CANARY, token, PASSWORD, tokens["access"], tokens["refresh"]]
    assert columns_with(secrets) <= KEEPS_WHAT_WAS_GIVEN
    log = web.log.read_text(encoding="utf-8")
    assert "auth/me" in log
    assert not [secret for secret in secrets if secret in log]
    hidden = [path for path, answer in answers if CANARY in answer]
    assert hidden == []
