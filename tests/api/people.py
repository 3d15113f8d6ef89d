"""Two projects, users of every role in both, and clients that speak for them."""

import json
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.test.client import ClientHandler

from tasks_app.models import Membership, Project
from tasks_app.roles import Role, TokenKind
from tasks_app.services.access.callers import operator
from tasks_app.services.access.tokens import create_token

PASSWORD = "correct horse battery staple"
OPERATOR = operator(name="the operator")
MINE, THEIRS = "mine", "theirs"


HANDLER = ClientHandler(enforce_csrf_checks=False)
"""One for all clients: to build its middleware anew costs more than most requests."""


class ApiClient:
    """Sends JSON, and reads the answer."""

    def __init__(self, token: str = "", **headers: str) -> None:
        self.client = Client(raise_request_exception=False)
        self.client.handler = HANDLER
        self.headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **headers}

    def call(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **more: Any) -> Any:
        """Return the answer; ``answer.body`` is what its JSON says."""
        headers = {**self.headers, **more.pop("headers", {})}
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        kind = more.pop("content_type", "application/json")
        answer = self.client.generic(method, path, content, content_type=kind, headers=headers, **more)
        answer.body = _read(answer)
        return answer

    def get(self, path: str, **more: Any) -> Any:
        """GET."""
        return self.call("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        """POST."""
        return self.call("POST", path, {} if body is None else body, **more)

    def patch(self, path: str, body: Any = None, **more: Any) -> Any:
        """PATCH."""
        return self.call("PATCH", path, {} if body is None else body, **more)

    def put(self, path: str, body: Any = None, **more: Any) -> Any:
        """PUT."""
        return self.call("PUT", path, {} if body is None else body, **more)

    def delete(self, path: str, **more: Any) -> Any:
        """DELETE."""
        return self.call("DELETE", path, **more)


def _read(answer: Any) -> Any:
    if not answer.headers.get("Content-Type", "").startswith("application/json") or not answer.content:
        return None
    return json.loads(answer.content)


@dataclass(kw_only=True)
class People:
    """Who is there: a user for each role in each project, and one who runs everything."""

    mine: Project
    theirs: Project
    users: dict[tuple[str, str], Any]
    root: Any
    stranger: Any

    def user(self, role: str, project: str = MINE) -> Any:
        """Return the user with a role in a project."""
        return self.users[project, role]

    def client(self, role: str, project: str = MINE, **headers: str) -> ApiClient:
        """Return a client with a personal token of that user, limited to that project."""
        owner = {MINE: self.mine, THEIRS: self.theirs}[project]
        return ApiClient(token_for(self.user(role, project), owner), **headers)

    def superuser(self) -> ApiClient:
        """Return a client of the superuser."""
        return ApiClient(token_for(self.root, None))

    def nobody(self) -> ApiClient:
        """Return a client without credentials."""
        return ApiClient()

    def without_project(self) -> ApiClient:
        """Return a client of a user who belongs to no project."""
        return ApiClient(token_for(self.stranger, None))

    def worker(self, project: str = MINE, pool: str = "") -> ApiClient:
        """Return a client with a worker's token."""
        owner = {MINE: self.mine, THEIRS: self.theirs}[project]
        return ApiClient(worker_token_for(owner, pool=pool))


def token_for(user: Any, project: Project | None, role: Role = Role.ADMIN) -> str:
    """Make a personal token and return its secret."""
    new = create_token(
        caller=OPERATOR, name="for a test", role=role, project=project, user_id=user.pk if user else None
    )
    return new.secret


def worker_token_for(project: Project, pool: str = "") -> str:
    """Make a worker's token and return its secret."""
    new = create_token(
        caller=OPERATOR,
        name="a worker",
        role=Role.OPERATOR,
        project=project,
        kind=TokenKind.WORKER,
        pool=pool,
    )
    return new.secret


def everybody() -> People:
    """Make the projects and the users."""
    user, password = get_user_model(), make_password(PASSWORD)
    projects = {slug: Project.objects.create(slug=slug, name=slug.title()) for slug in (MINE, THEIRS)}
    made = {
        (slug, str(role)): user(username=f"{slug}-{role}", password=password)
        for slug in projects
        for role in Role
    }
    root = user(username="root", password=password, is_superuser=True, is_staff=True)
    stranger = user(username="stranger", password=password)
    user.objects.bulk_create([*made.values(), root, stranger])
    Membership.objects.bulk_create(
        Membership(user=each, project=projects[slug], role=role) for (slug, role), each in made.items()
    )
    return People(
        mine=projects[MINE],
        theirs=projects[THEIRS],
        users=made,
        root=root,
        stranger=stranger,
    )
