"""Who may do what: a caller, their role in each project, and what they may see.

What lies in a project of others does not exist for a caller: it is not found, never
forbidden.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeVar

from django.db.models import Model, QuerySet

from tasks_app.errors import Forbidden, NotFound, ProjectNotNamed
from tasks_app.models import Membership, Project
from tasks_app.models.project import DEFAULT_PROJECT
from tasks_app.roles import Role, lower

Row = TypeVar("Row", bound=Model)
LISTING: Final = "GET /api/v1/projects"


class CallerKind(StrEnum):
    """How a caller came in."""

    LOCAL = "local"
    """From this machine, to a server that only this machine can reach."""
    USER = "user"
    """With a password: an access token, or a session."""
    PERSONAL = "personal"
    WORKER = "worker"
    OPERATOR = "operator"
    """By the command line of the installation."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks. ``roles`` are by the project's key; ``cap`` is the most a token lets its user do."""

    name: str
    kind: CallerKind
    user_id: int | None = None
    token_id: int | None = None
    is_superuser: bool = False
    roles: Mapping[int, Role] = field(default_factory=dict)
    cap: Role = Role.ADMIN
    project: Project | None = None
    """The only project of a token that is limited to one."""
    pool: str = ""

    @property
    def key(self) -> str:
        """Who this is, for counting requests and remembering answers."""
        if self.token_id is not None:
            return f"token:{self.token_id}"
        return f"user:{self.user_id}" if self.user_id is not None else str(self.kind)

    @property
    def projects(self) -> frozenset[int] | None:
        """The keys of the projects that exist for this caller; None: all of them."""
        return None if self.is_superuser else frozenset(self.roles)

    @property
    def is_installation_admin(self) -> bool:
        """Whether this caller may do what concerns the whole installation."""
        return self.is_superuser and self.cap is Role.ADMIN

    def role_in(self, project_id: int) -> Role | None:
        """Return the role in a project; None where it does not exist for this caller."""
        role = Role.ADMIN if self.is_superuser else self.roles.get(project_id)
        return role and lower(role, self.cap)

    def may(self, role: Role, project_id: int) -> bool:
        """Return whether the caller has at least this role in a project."""
        has = self.role_in(project_id)
        return has is not None and has.includes(role)

    def require(self, role: Role, project_id: int, *, kind: str = "project", given: str = "") -> None:
        """Make sure of a role. ``kind`` and ``given`` say what was asked for, where it is not found.

        :raises NotFound: when the project does not exist for this caller.
        :raises Forbidden: when the role is less.
        """
        has = self.role_in(project_id)
        if has is None:
            raise NotFound(kind=kind, given=given or str(project_id), listing=LISTING)
        if not has.includes(role):
            raise Forbidden(needed=str(role), where=" in this project", caller=self.name, has=repr(str(has)))

    def scope(self, rows: "QuerySet[Row]", field: str = "project") -> "QuerySet[Row]":
        """Return those of the rows that exist for this caller; ``field`` leads to their project."""
        projects = self.projects
        return rows if projects is None else rows.filter(**{f"{field}__in": sorted(projects)})


def operator(name: str) -> Caller:
    """Return the caller that a command of the installation stands for."""
    return Caller(name=name, kind=CallerKind.OPERATOR, is_superuser=True)


def local_caller() -> Caller:
    """Return the caller that whoever sits at this machine stands for."""
    return Caller(name="local", kind=CallerKind.LOCAL, is_superuser=True)


def caller_of_user(user: Any) -> Caller:
    """Return a user who showed a password. Superusers cost no statement, others one."""
    roles = {} if user.is_superuser else memberships_of(user.pk)
    return Caller(
        name=user.get_username(),
        kind=CallerKind.USER,
        user_id=user.pk,
        is_superuser=user.is_superuser,
        roles=roles,
    )


def memberships_of(user_id: int) -> dict[int, Role]:
    """Return a user's roles by the project's key."""
    rows = Membership.objects.filter(user_id=user_id).values_list("project_id", "role")
    return {project_id: Role(role) for project_id, role in rows}


def find_project(*, caller: Caller, slug: str) -> Project:
    """Return the project of this slug.

    :raises NotFound: when there is none for this caller.
    """
    if caller.project is not None and caller.project.slug == slug:
        return caller.project
    found = None if "\0" in slug else caller.scope(Project.objects.filter(slug=slug), "pk").first()
    if found is None:
        raise NotFound(kind="project", given=slug, listing=LISTING)
    return found


def chosen_project(*, caller: Caller, named: str | None) -> Project:
    """Return the project that is meant: the token's, the one named, the only one, or the default.

    :raises NotFound: when the one named does not exist for this caller.
    :raises ProjectNotNamed: when none is named and there is no telling.
    """
    if named and not (named == DEFAULT_PROJECT and caller.is_superuser and caller.project is None):
        return find_project(caller=caller, slug=named)
    if caller.project is not None:
        return caller.project
    if caller.is_superuser:
        return Project.objects.default()
    mine = list(caller.scope(Project.objects.order_by("slug"), "pk")[:20])
    if len(mine) != 1:
        listed = ", ".join(project.slug for project in mine) or "none"
        raise ProjectNotNamed(projects=listed)
    return mine[0]
