"""API tokens."""

from typing import Any

from msgspec.structs import replace
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cpds.api.errors import flaw
from cpds.api.requests.forms import ProjectForm, read_body
from cpds.api.responses.envelope import created, no_content, ok
from cpds.api.responses.paging import OffsetPages
from cpds.api.schema.documentation import LIMIT, OFFSET, documented, listed
from cpds.base import clock
from tasks_app.api.access.views import ROLES, NewTokenView, TokenView, new_token_view, token_view
from tasks_app.api.base import Endpoint
from tasks_app.api.idempotency import once
from tasks_app.api.permissions import SIGNED_IN
from tasks_app.roles import Role, TokenKind
from tasks_app.services.access import tokens


class NewTokenForm(ProjectForm):
    """A token to be made. ``kind`` worker: for a worker that comes in by HTTP, in ``pool``."""

    name = serializers.CharField(max_length=100)
    role = serializers.ChoiceField(choices=ROLES, default=Role.VIEWER.value)
    kind = serializers.ChoiceField(
        choices=[kind.value for kind in TokenKind], default=TokenKind.PERSONAL.value
    )
    expires_at = serializers.DateTimeField(allow_null=True, default=None)
    pool = serializers.SlugField(max_length=64, allow_blank=True, default="")


class Tokens(Endpoint):
    """``/api/v1/tokens``."""

    needs = {"GET": SIGNED_IN, "POST": Role.VIEWER}

    @documented("List tokens", answer=listed(TokenView), query=[LIMIT, OFFSET])
    def get(self, request: Request) -> Response:
        """List the caller's tokens, and those of the projects they are an admin of, newest first."""
        rows = tokens.visible_tokens(caller=self.caller)
        projects = self.projects()
        if projects is not None and self.named_project():
            rows = rows.filter(project__in=sorted(projects))
        pages = OffsetPages()
        return pages.get_paginated_response(map(token_view, pages.paginate_queryset(rows, request)))

    @documented("Make a token", answer=NewTokenView, body=NewTokenForm, status=201, creates=True)
    def post(self, request: Request) -> Response:
        """Make a token with at most the caller's own role. Its secret is shown in this answer only."""
        form = read_body(request, NewTokenForm)
        _check_expiry(form)
        project = self.project(form.pop("project", None))
        kind, role = TokenKind(form.pop("kind")), Role(form.pop("role"))
        user_id = None if kind is TokenKind.WORKER else self.caller.user_id

        def make() -> Response:
            new = tokens.create_token(
                caller=self.caller, project=project, kind=kind, role=role, user_id=user_id, **form
            )
            shown = new_token_view(new.token, secret=new.secret)
            return created(shown, location=f"/api/v1/tokens/{new.token.pk}")

        return once(self, make, kept=_without_secret)


class OneToken(Endpoint):
    """``/api/v1/tokens/{id}``."""

    needs = {"GET": SIGNED_IN, "DELETE": SIGNED_IN}

    @documented("Show a token", answer=TokenView)
    def get(self, request: Request, token: int) -> Response:  # noqa: ARG002
        """Show a token, without its secret."""
        return ok(token_view(tokens.find_token(caller=self.caller, token_id=token)))

    @documented("Revoke a token", status=204)
    def delete(self, request: Request, token: int) -> Response:  # noqa: ARG002
        """End a token at once."""
        tokens.revoke_token(caller=self.caller, token_id=token)
        return no_content()


def _check_expiry(form: dict[str, Any]) -> None:
    at = form["expires_at"]
    if at is not None and at <= clock.now():
        raise flaw("/expires_at", "this time is over")


def _without_secret(body: Any) -> Any:
    return {**body, "data": replace(body["data"], token=None)}
