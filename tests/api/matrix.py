"""What every address takes at least: one line for each method of each endpoint.

``need`` is a role, or ``anyone``, ``signed_in``, ``superuser``; with ``worker`` the endpoint is for
worker tokens. ``path`` holds the address of something in the project ``mine``; what stands in
braces, there and in ``body``, is filled in from ``tests.api.seeds``. ``body`` is what a request
that would succeed sends.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Line:
    """One method of one endpoint."""

    method: str
    path: str
    need: str
    body: Any = field(default=None, hash=False)
    worker: bool = False
    """Worker tokens come in here."""
    people: bool = True
    """People come in here."""
    in_project: bool = False
    """The address itself names something of the project ``mine``: to others it does not exist."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def line(method: str, path: str, need: str, body: Any = None, **more: Any) -> Line:
    """Return a line of the table."""
    return Line(method=method, path=path, need=need, body=body, **more)


WORKFLOW = "name: posted\ntasks:\n  - {name: only, run: noop}\n"

LINES = [
    line("POST", "/api/v1/auth/token", "anyone", {"username": "stranger", "password": "wrong"}),
    line("POST", "/api/v1/auth/refresh", "anyone", {"refresh": "none"}),
    line("POST", "/api/v1/auth/logout", "anyone", {"refresh": "none"}),
    line("GET", "/api/v1/auth/me", "signed_in", worker=True),
    line("GET", "/api/v1/health/detailed", "signed_in"),
    line("GET", "/api/v1/projects", "signed_in"),
    line("POST", "/api/v1/projects", "superuser", {"slug": "new", "name": "New"}),
    line("GET", "/api/v1/projects/mine", "viewer", in_project=True),
    line("PATCH", "/api/v1/projects/mine", "admin", {"weight": 2}, in_project=True),
    line("GET", "/api/v1/projects/mine/members", "viewer", in_project=True),
    line(
        "POST",
        "/api/v1/projects/mine/members",
        "admin",
        {"username": "stranger", "role": "viewer"},
        in_project=True,
    ),
    line(
        "PATCH",
        "/api/v1/projects/mine/members/mine-viewer",
        "admin",
        {"role": "operator"},
        in_project=True,
    ),
    line("DELETE", "/api/v1/projects/mine/members/mine-viewer", "admin", in_project=True),
    line("GET", "/api/v1/tokens", "signed_in"),
    line("POST", "/api/v1/tokens", "viewer", {"name": "mine"}),
    line("GET", "/api/v1/tokens/{token}", "admin", in_project=True),
    line("DELETE", "/api/v1/tokens/{token}", "admin", in_project=True),
    line("GET", "/api/v1/tasks", "viewer"),
    line("POST", "/api/v1/tasks", "operator", {"title": "One"}),
    line("POST", "/api/v1/tasks/bulk/cancel", "operator", {"ids": ["{offered}"]}),
    line("POST", "/api/v1/tasks/bulk/retry", "operator", {"status": ["failed"]}),
    line("GET", "/api/v1/tasks/{offered}", "viewer", in_project=True),
    line("GET", "/api/v1/tasks/{offered}/why", "viewer", in_project=True),
    line("GET", "/api/v1/tasks/{offered}/records", "viewer", in_project=True),
    line("POST", "/api/v1/tasks/{offered}/cancel", "operator", in_project=True),
    line("POST", "/api/v1/tasks/{cancelled_task}/retry", "operator", in_project=True),
    line("POST", "/api/v1/tasks/schedule", "operator", {"name": "Build it"}),
    line("GET", "/api/v1/contracts", "viewer"),
    line("POST", "/api/v1/contracts", "editor", {"featureId": "F9", "featureName": "Nine"}),
    line("POST", "/api/v1/contracts/create", "editor"),
    line("POST", "/api/v1/contracts/generate", "editor", {"id": "F9", "name": "Nine", "involves": []}),
    line("GET", "/api/v1/contracts/{contract}", "viewer", in_project=True),
    line(
        "PATCH",
        "/api/v1/contracts/{contract}",
        "editor",
        {"version": 1, "featureName": "Other"},
        in_project=True,
    ),
    line("DELETE", "/api/v1/contracts/{contract}", "editor", in_project=True),
    line("GET", "/api/v1/contracts/{contract}/versions", "viewer", in_project=True),
    line("POST", "/api/v1/contracts/{contract}/validate", "viewer", in_project=True),
    line("POST", "/api/v1/contracts/{contract}/approve", "editor", {"version": 1}, in_project=True),
    line(
        "POST", "/api/v1/contracts/{approved_contract}/implemented", "editor", {"version": 1}, in_project=True
    ),
    line("POST", "/api/v1/workflow/start", "editor"),
    line("GET", "/api/v1/workflows", "viewer"),
    line("POST", "/api/v1/workflows", "editor", {"content": WORKFLOW}),
    line("POST", "/api/v1/workflows/validate", "signed_in", {"content": WORKFLOW}),
    line("GET", "/api/v1/workflows/schema", "signed_in"),
    line("GET", "/api/v1/workflows/{workflow}", "viewer", in_project=True),
    line("DELETE", "/api/v1/workflows/{workflow}", "editor", in_project=True),
    line("GET", "/api/v1/workflows/{workflow}/versions", "viewer", in_project=True),
    line("GET", "/api/v1/workflows/{workflow}/versions/1", "viewer", in_project=True),
    line("GET", "/api/v1/workflows/{workflow}/diff", "viewer", in_project=True),
    line("POST", "/api/v1/workflows/{workflow}/execute", "operator", {}, in_project=True),
    line("GET", "/api/v1/workflows/{workflow}/history", "viewer", in_project=True),
    line("GET", "/api/v1/workflows/{workflow}/schedule", "viewer", in_project=True),
    line("PUT", "/api/v1/workflows/{workflow}/schedule", "editor", {"cron": "@daily"}, in_project=True),
    line("DELETE", "/api/v1/workflows/{workflow}/schedule", "editor", in_project=True),
    line("GET", "/api/v1/workflows/{workflow}/schedule/next", "viewer", in_project=True),
    line("POST", "/api/v1/workflows/{workflow}/schedule/pause", "operator", {}, in_project=True),
    line("POST", "/api/v1/workflows/{workflow}/schedule/resume", "operator", {}, in_project=True),
    line("POST", "/api/v1/workflows/{workflow}/schedule/fire", "operator", {}, in_project=True),
    line("GET", "/api/v1/instances", "viewer"),
    line("POST", "/api/v1/instances/bulk", "operator", {"action": "pause", "filter": {}}),
    line("GET", "/api/v1/instances/{running}", "viewer", in_project=True),
    line("GET", "/api/v1/instances/{running}/tasks", "viewer", in_project=True),
    line("GET", "/api/v1/instances/{running}/events", "viewer", in_project=True),
    line("GET", "/api/v1/instances/{running}/logs", "viewer", in_project=True),
    line("GET", "/api/v1/instances/{running}/graph", "viewer", in_project=True),
    line("GET", "/api/v1/instances/{running}/why", "viewer", in_project=True),
    line("GET", "/api/v1/instances/{running}/compare?other={failed}", "viewer", in_project=True),
    line("POST", "/api/v1/instances/{running}/pause", "operator", {}, in_project=True),
    line("POST", "/api/v1/instances/{paused}/resume", "operator", {}, in_project=True),
    line("POST", "/api/v1/instances/{running}/cancel", "operator", {}, in_project=True),
    line("POST", "/api/v1/instances/{failed}/retry", "operator", {}, in_project=True),
    line("POST", "/api/v1/instances/{failed}/rerun", "operator", {"from": "a-task"}, in_project=True),
    line("POST", "/api/v1/instances/{asking}/approve", "operator", {}, in_project=True),
    line("POST", "/api/v1/instances/{asking}/reject", "operator", {}, in_project=True),
    line("GET", "/api/v1/events", "viewer"),
    line("POST", "/api/workers/register", "operator", {"worker_id": "W-1", "name": "one"}, worker=True),
    line("POST", "/api/workers/heartbeat", "operator", {"worker_id": "{http_worker}"}, worker=True),
    line("GET", "/api/workers", "viewer", worker=True),
    line("POST", "/api/tasks/create", "operator", {"title": "One"}, worker=True),
    line("GET", "/api/tasks/pending", "viewer", worker=True),
    line("GET", "/api/tasks/running", "viewer", worker=True),
    line("GET", "/api/tasks/completed", "viewer", worker=True),
    line("GET", "/api/tasks/{offered}", "viewer", worker=True, in_project=True),
    line(
        "POST",
        "/api/tasks/assign",
        "operator",
        {"task_id": "{offered}", "worker_id": "{http_worker}"},
        worker=True,
    ),
    line(
        "POST",
        "/api/tasks/progress",
        "operator",
        {"task_id": "{offered}", "worker_id": "{http_worker}", "progress": 5},
        worker=True,
    ),
    line(
        "POST",
        "/api/tasks/complete",
        "operator",
        {"task_id": "{offered}", "worker_id": "{http_worker}"},
        worker=True,
    ),
    line("GET", "/api/status", "viewer", worker=True),
    line("GET", "/api/v1/audit", "admin"),
    line("GET", "/api/v1/audit/export?format=jsonl", "admin"),
    *(
        line("POST", f"/api/v1/workers/{path}", "viewer", body, worker=True, people=False)
        for path, body in (
            ("register", {"name": "builder"}),
            ("{http_worker}/heartbeat", {}),
            ("{http_worker}/leave", {}),
            ("{http_worker}/claims", {"limit": 1}),
            ("{http_worker}/claims/{claim}/progress", {"progress": 0.5}),
            ("{http_worker}/claims/{claim}/logs", {"lines": ["a line"]}),
            ("{http_worker}/claims/{claim}/complete", {"output": {"lines": 3}}),
            ("{http_worker}/claims/{claim}/fail", {"message": "no"}),
            ("{http_worker}/claims/{claim}/release", {}),
        )
    ),
    line("GET", "/api/v1/autoscale", "viewer"),
    line("GET", "/api/v1/workers", "viewer"),
    line("GET", "/api/v1/workers/{http_worker}", "viewer", in_project=True),
]
