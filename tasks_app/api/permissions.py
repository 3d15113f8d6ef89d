"""Whether a caller's role reaches for an endpoint, before anything is looked up."""

from typing import Any, Final

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tasks_app.errors import Forbidden, WrongKindOfToken
from tasks_app.roles import Role
from tasks_app.services.access.callers import Caller, CallerKind

ANYONE: Final = "anyone"
"""No credentials are needed."""
SIGNED_IN: Final = "signed_in"
"""Any caller, with a role somewhere or without."""
SUPERUSER: Final = "superuser"
"""Who may do what concerns the whole installation."""
Need = Role | str

PEOPLE: Final = frozenset(CallerKind) - {CallerKind.WORKER}
WORKERS: Final = frozenset({CallerKind.WORKER, CallerKind.LOCAL})
BOTH: Final = PEOPLE | WORKERS


class RoleReaches(BasePermission):
    """Holds a caller against the endpoint's ``needs`` for the method, and its ``callers``."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return whether the caller may come in; False without credentials, which gives 401.

        :raises WrongKindOfToken: when the token is for other endpoints.
        :raises Forbidden: when the role is less, wherever the caller has one.
        """
        needed = needed_for(view, request.method or "")
        if needed == ANYONE:
            return True
        caller = request.auth
        if not isinstance(caller, Caller):
            return False
        wanted = getattr(view, "callers", PEOPLE)
        if caller.kind not in wanted:
            other = "personal" if caller.kind is CallerKind.WORKER else "worker"
            raise WrongKindOfToken(kind=str(caller.kind), wanted=other)
        if not _reaches(caller, needed):
            raise Forbidden(needed=str(needed), where="", caller=caller.name, has="less")
        return True


def needed_for(view: Any, method: str) -> Need:
    """Return what a method of an endpoint needs; a superuser, where the endpoint does not say."""
    needs: dict[str, Need] = getattr(view, "needs", {})
    if method in {"HEAD", "OPTIONS"}:
        return needs.get("GET", SIGNED_IN) if method == "HEAD" else _least(needs)
    if method not in needs and method.lower() not in view.http_method_names:
        return _least(needs)
    return needs.get(method, SUPERUSER if hasattr(view, method.lower()) else _least(needs))


def _least(needs: "dict[str, Need]") -> Need:
    return ANYONE if ANYONE in needs.values() else SIGNED_IN


def _reaches(caller: Caller, needed: Need) -> bool:
    if needed == SIGNED_IN:
        return True
    if needed == SUPERUSER:
        return caller.is_installation_admin
    role = Role(needed)
    if caller.is_superuser:
        return caller.cap.includes(role)
    return any(caller.may(role, project_id) for project_id in caller.roles)
