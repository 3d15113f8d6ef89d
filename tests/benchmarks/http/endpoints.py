"""The rows that the hot endpoints need, and the requests that are sent to them."""

import itertools
import json
from typing import Any

from django.core.management import call_command

from tasks_app.models import Project, Task
from tasks_app.roles import Role, TokenKind
from tasks_app.services.access.callers import operator
from tasks_app.services.access.tokens import create_token
from tasks_app.services.submit.loose import create_tasks
from tests.benchmarks.http.load import Ask
from workers_app.transports.http.workers import HttpRegistration, register_http_worker

AT_ONCE = 1000


def hot_endpoints(claims: int) -> dict[str, Ask]:
    """Migrate, make rows, and return the requests by endpoint; so many ``claims`` may be made."""
    call_command("migrate", verbosity=0)
    project = Project.objects.default()
    token, person = (_token(project, kind) for kind in (TokenKind.WORKER, TokenKind.PERSONAL))
    worker = register_http_worker(
        project_id=project.pk, registration=HttpRegistration(name="one", slots=2 * claims)
    ).public_id
    for start in range(0, 2 * claims, AT_ONCE):
        create_tasks(tasks=[{"executor": "external"} for _ in range(min(AT_ONCE, 2 * claims - start))])
    offered = list(Task.objects.order_by("pk").values_list("task_id", flat=True))
    titles, claimed = itertools.count(), reversed(offered)  # those of v1 take the first

    def fixed(method: str, path: str, body: Any = None, *, by: str = token) -> Ask:
        request = _request(method, path, by, body)
        return lambda _: request

    return {
        "bare ASGI application": fixed("GET", "/bare/asgi"),
        "bare Django view": fixed("GET", "/bare/django"),
        "health: GET /api/health": fixed("GET", "/api/health"),
        "task status: GET /api/tasks/{id}": fixed("GET", f"/api/tasks/{offered[0]}"),
        "list 20: GET /api/tasks/pending": fixed("GET", "/api/tasks/pending?limit=20"),
        "heartbeat: POST /api/workers/heartbeat": fixed(
            "POST", "/api/workers/heartbeat", {"worker_id": worker}
        ),
        "claim: POST /api/tasks/assign": lambda _: _request(
            "POST", "/api/tasks/assign", token, {"task_id": next(claimed), "worker_id": worker}
        ),
        "create task: POST /api/tasks/create": lambda _: _request(
            "POST", "/api/tasks/create", token, {"title": f"One {next(titles)}", "executor": "external"}
        ),
        "v1 task status: GET /api/v1/tasks/{id}": fixed("GET", f"/api/v1/tasks/{offered[0]}", by=person),
        "v1 list 20: GET /api/v1/tasks": fixed("GET", "/api/v1/tasks?limit=20", by=person),
        "v1 heartbeat: POST /api/v1/workers/{id}/heartbeat": fixed(
            "POST", f"/api/v1/workers/{worker}/heartbeat", {}
        ),
        "v1 claim: POST /api/v1/workers/{id}/claims": fixed(
            "POST", f"/api/v1/workers/{worker}/claims", {"limit": 1}
        ),
        "v1 create task: POST /api/v1/tasks": lambda _: _request(
            "POST", "/api/v1/tasks", person, {"title": f"One {next(titles)}", "executor": "external"}
        ),
    }


def _token(project: Project, kind: TokenKind) -> str:
    return create_token(
        caller=operator(name="benchmark"), name=str(kind), role=Role.OPERATOR, project=project, kind=kind
    ).secret


def _request(method: str, path: str, token: str, body: Any) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    kind = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n" if content else ""
    return f"{head}{kind}\r\n".encode() + content
