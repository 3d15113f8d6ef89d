"""Log in, go on, log out; who am I."""

from rest_framework import serializers
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from cpds.api.requests.counting import count_request
from cpds.api.requests.forms import Form, read_body
from cpds.api.responses.envelope import no_content, ok
from cpds.api.schema.documentation import documented
from cpds.base.conf import conf
from cpds.base.view import View
from tasks_app.api.base import Endpoint
from tasks_app.api.permissions import ANYONE, BOTH, SIGNED_IN
from tasks_app.models import Project
from tasks_app.services.access import logins
from tasks_app.services.access.tokens import digest_of


class LoginForm(Form):
    """Name and password."""

    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=1024, trim_whitespace=False, write_only=True)


class RefreshForm(Form):
    """A refresh token."""

    refresh = serializers.CharField(max_length=4096)


class TokensView(View):
    """A pair of tokens; each is good for so many seconds."""

    access: str
    refresh: str
    access_seconds: int
    refresh_seconds: int


class RoleView(View):
    """A project and the caller's role there."""

    project: str
    role: str


class MeView(View):
    """The caller. ``kind`` says how they came in."""

    username: str
    kind: str
    is_superuser: bool
    projects: list[RoleView]


class LogIn(Endpoint):
    """``POST /api/v1/auth/token``."""

    needs = {"POST": ANYONE}
    throttle_scope = "login"
    authentication_classes = ()

    @documented("Log in", answer=TokensView, body=LoginForm)
    def post(self, request: Request) -> Response:
        """Give an access and a refresh token for a name and a password."""
        given = read_body(request, LoginForm)
        _count_attempt(given["username"])
        return ok(_shown(logins.log_in(request=request._request, **given)))  # noqa: SLF001


class Refresh(Endpoint):
    """``POST /api/v1/auth/refresh``."""

    needs = {"POST": ANYONE}
    authentication_classes = ()

    @documented("Get the next pair of tokens", answer=TokensView, body=RefreshForm)
    def post(self, request: Request) -> Response:
        """Give new tokens for a refresh token, which is good no more."""
        return ok(_shown(logins.refresh(token=read_body(request, RefreshForm)["refresh"])))


class LogOut(Endpoint):
    """``POST /api/v1/auth/logout``."""

    needs = {"POST": ANYONE}
    authentication_classes = ()

    @documented("Log out", body=RefreshForm, status=204)
    def post(self, request: Request) -> Response:
        """End the login of a refresh token, whether it is still good or not."""
        logins.log_out(token=read_body(request, RefreshForm)["refresh"])
        return no_content()


class Me(Endpoint):
    """``GET /api/v1/auth/me``."""

    needs = {"GET": SIGNED_IN}
    callers = BOTH

    @documented("Who am I", answer=MeView)
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """Tell who the caller is, and what they may do where."""
        caller = self.caller
        rows = caller.scope(Project.objects.order_by("slug"), "pk")[:100]
        return ok(
            MeView(
                username=caller.name,
                kind=caller.kind,
                is_superuser=caller.is_installation_admin,
                projects=[RoleView(project=row.slug, role=str(caller.role_in(row.pk))) for row in rows],
            )
        )


def _count_attempt(username: str) -> None:
    """Count the attempts on one name too, from wherever they come."""
    name = f"login-name:{digest_of(username.casefold())[:32]}"
    count = count_request(name=name, limit=conf().logins_per_minute)
    if count is not None and count.is_over:
        raise Throttled(wait=count.reset_seconds)


def _shown(tokens: logins.Tokens) -> TokensView:
    return TokensView(
        access=tokens.access,
        refresh=tokens.refresh,
        access_seconds=tokens.access_seconds,
        refresh_seconds=tokens.refresh_seconds,
    )
