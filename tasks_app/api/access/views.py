"""What the endpoints of people and projects show."""

from typing import Annotated, Final

from msgspec.structs import asdict

from cpds.base.view import Time, View, one_of
from tasks_app.models import ApiToken, Membership, Project
from tasks_app.roles import Role, TokenKind

ROLES: Final = [role.value for role in Role]
RoleWord = Annotated[str, one_of(ROLES)]


class ProjectView(View):
    """A project. ``role`` is the caller's own there."""

    slug: str
    name: str
    max_parallel: int | None
    weight: int
    role: RoleWord | None
    created_at: Time


class MemberView(View):
    """A member of a project."""

    username: str
    role: RoleWord
    is_active: bool
    created_at: Time


class TokenView(View):
    """An API token, without its secret."""

    id: int
    kind: Annotated[str, one_of(TokenKind)]
    name: str
    prefix: str
    username: str | None
    project: str | None
    role: RoleWord
    pool: str
    created_by: str
    created_at: Time
    expires_at: Time | None
    last_used_at: Time | None
    revoked_at: Time | None


class NewTokenView(TokenView):
    """An API token just made; ``token`` is the secret, null when the answer is a repeated one."""

    token: str | None


def project_view(row: Project, *, role: Role | None) -> ProjectView:
    """Return what is shown of a project."""
    return ProjectView(
        slug=row.slug,
        name=row.name,
        max_parallel=row.max_parallel,
        weight=row.weight,
        role=role,
        created_at=row.created_at,
    )


def member_view(row: Membership) -> MemberView:
    """Return what is shown of a member."""
    return MemberView(
        username=row.user.get_username(),
        role=row.role,
        is_active=row.user.is_active,
        created_at=row.created_at,
    )


def token_view(row: ApiToken) -> TokenView:
    """Return what is shown of a token."""
    return TokenView(
        id=row.pk,
        kind=row.kind,
        name=row.name,
        prefix=row.prefix,
        username=row.user.get_username() if row.user else None,
        project=row.project.slug if row.project else None,
        role=row.role,
        pool=row.pool,
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )


def new_token_view(row: ApiToken, *, secret: str) -> NewTokenView:
    """Return what is shown of a token once, with its secret."""
    return NewTokenView(**asdict(token_view(row)), token=secret)
