"""The base of every endpoint: who asks, for which project, and with which right.

An endpoint says in ``needs`` what each of its methods takes at least, and in ``callers`` for
whom it is. See docs/extending.md.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from cpds.api.requests.forms import check_query
from cpds.api.responses.envelope import COMPAT, NATIVE, Envelope
from tasks_app.api.permissions import PEOPLE, Need, needed_for
from tasks_app.api.throttling import count_headers
from tasks_app.models import Project
from tasks_app.roles import Role
from tasks_app.services.access.callers import Caller, CallerKind, chosen_project

PROJECT_HEADER = "X-CPDS-Project"


class Endpoint(APIView):
    """An endpoint of the native API."""

    needs: ClassVar[Mapping[str, Need]] = {}
    callers: ClassVar[frozenset[CallerKind]] = PEOPLE
    envelope: ClassVar[Envelope] = NATIVE
    throttle_scope: ClassVar[str] = "default"
    body_bytes: ClassVar[int | None] = None
    """The largest body; None: the setting's."""
    knows_its_query: ClassVar[bool] = True
    """Keys of a query that ``documented`` does not name are refused."""

    @property
    def caller(self) -> Caller:
        """Who asks. There is one wherever ``needs`` is more than ``ANYONE``."""
        return cast("Caller", self.request.auth)

    @property
    def role(self) -> Role:
        """The role that the method needs, in the project it is about; viewer, where it needs none."""
        needed = needed_for(self, self.request.method or "")
        return Role(needed) if needed in set(Role) else Role.VIEWER

    def project(self, named: str | None = None) -> Project:
        """Return the project that a new object belongs to, in which the caller has the method's role.

        ``named`` is a name the endpoint has read itself; else the header, the query or the body name it.

        :raises NotFound: when there is no such project for the caller.
        :raises Forbidden: when the caller's role there is less.
        :raises ProjectNotNamed: when it has to be named and is not.
        """
        found = chosen_project(caller=self.caller, named=named or self.named_project())
        self.caller.require(self.role, found.pk, given=found.slug)
        return found

    def projects(self, named: str | None = None) -> frozenset[int] | None:
        """Return the keys of the projects to look into: the one named, else all of the caller's; None: all.

        :raises NotFound: when the one named does not exist for the caller.
        """
        slug = named or self.named_project()
        if slug:
            return frozenset({chosen_project(caller=self.caller, named=slug).pk})
        return self.caller.projects

    def require(self, project_id: int, *, kind: str, given: str) -> None:
        """Make sure that the caller has the method's role in the project of something found.

        :raises NotFound: when it belongs to others; it is told as if it did not exist.
        :raises Forbidden: when the caller's role there is less.
        """
        self.caller.require(self.role, project_id, kind=kind, given=given)

    def named_project(self) -> str | None:
        """Return the slug in the header, the query or the body; None when none is given."""
        header = self.request.headers.get(PROJECT_HEADER) or self.request.query_params.get("project")
        if header or self.request.method in {"GET", "HEAD"}:
            return header or None
        body = self.request.data if isinstance(self.request.data, dict) else {}
        given = body.get("project")
        return given if isinstance(given, str) and given else None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let the request come in; those who are refused for lack of credentials are counted, too.

        :raises InvalidInput: when the query has a key that the method's ``documented`` does not name.
        """
        try:
            super().initial(request, *args, **kwargs)
        except (AuthenticationFailed, NotAuthenticated):
            self.check_throttles(request)
            raise
        known = getattr(getattr(self, (request.method or "").lower(), None), "query_keys", None)
        if known is not None and self.knows_its_query:
            check_query(request, known=known)

    def finalize_response(self, request: Any, response: HttpResponseBase, *args: Any, **kwargs: Any) -> Any:
        """Add the headers that say how many requests are left."""
        answer = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[arg-type]
        for name, value in count_headers(cast("HttpRequest", request)).items():
            answer[name] = value
        return answer


class CompatEndpoint(Endpoint):
    """An endpoint of ``/api`` without a version, in the envelope ``{success, data|error}``."""

    envelope = COMPAT
    knows_its_query = False
