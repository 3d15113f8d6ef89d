"""Tokens, projects and members: for people, and as documents."""

from collections.abc import Iterator, Sequence

from msgspec.structs import asdict
from rich.text import Text

from cpds.base.view import Moment, View
from tasks_app.cli.text import table
from tasks_app.cli.times import shown_time
from tasks_app.models import ApiToken, Membership, Project
from tasks_app.services.queries.values import moment, moment_of


class TokenRowView(View):
    """An API token as the commands print it, without its secret."""

    id: int
    name: str
    kind: str
    prefix: str
    user: str | None
    project: str | None
    role: str
    pool: str
    created_at: Moment
    expires_at: Moment | None
    last_used_at: Moment | None
    revoked_at: Moment | None


class NewTokenRowView(TokenRowView):
    """A token just made, with its secret."""

    token: str


class ProjectRowView(View):
    """A project as the commands print it."""

    slug: str
    name: str
    max_parallel: int | None
    weight: int
    created_at: Moment


class MemberRowView(View):
    """A member of a project as the commands print it."""

    user: str
    role: str
    created_at: Moment


def token_document(row: ApiToken) -> TokenRowView:
    """Return what programs are told of a token."""
    return TokenRowView(
        id=row.pk,
        name=row.name,
        kind=str(row.kind),
        prefix=row.prefix,
        user=row.user.get_username() if row.user else None,
        project=row.project.slug if row.project else None,
        role=str(row.role),
        pool=row.pool,
        created_at=moment_of(row.created_at),
        expires_at=moment(row.expires_at),
        last_used_at=moment(row.last_used_at),
        revoked_at=moment(row.revoked_at),
    )


def new_token_document(row: ApiToken, *, secret: str) -> NewTokenRowView:
    """Return what programs are told of a token once."""
    return NewTokenRowView(**asdict(token_document(row)), token=secret)


def token_table(rows: Sequence[TokenRowView], *, width: int) -> Iterator[Text]:
    """Yield the table of tokens."""
    headings = ("ID", "NAME", "TOKEN", "KIND", "USER", "PROJECT", "ROLE", "EXPIRES", "LAST_USED", "REVOKED")
    cells = [
        (
            str(row.id),
            row.name,
            f"{row.prefix}…",
            row.kind,
            row.user or "-",
            row.project or "-",
            row.role,
            shown_time(row.expires_at),
            shown_time(row.last_used_at),
            shown_time(row.revoked_at),
        )
        for row in rows
    ]
    return table(headings, cells, width=width)


def project_document(row: Project) -> ProjectRowView:
    """Return what programs are told of a project."""
    return ProjectRowView(
        slug=row.slug,
        name=row.name,
        max_parallel=row.max_parallel,
        weight=row.weight,
        created_at=moment_of(row.created_at),
    )


def project_table(rows: Sequence[ProjectRowView], *, width: int) -> Iterator[Text]:
    """Yield the table of projects."""
    headings = ("PROJECT", "NAME", "MAX_PARALLEL", "WEIGHT", "CREATED")
    cells = [
        (
            row.slug,
            row.name,
            str(row.max_parallel or "-"),
            str(row.weight),
            shown_time(row.created_at),
        )
        for row in rows
    ]
    return table(headings, cells, width=width)


def member_document(row: Membership) -> MemberRowView:
    """Return what programs are told of a member."""
    return MemberRowView(
        user=row.user.get_username(), role=str(row.role), created_at=moment_of(row.created_at)
    )


def member_table(rows: Sequence[MemberRowView], *, width: int) -> Iterator[Text]:
    """Yield the table of members."""
    cells = [(row.user, row.role, shown_time(row.created_at)) for row in rows]
    return table(("USER", "ROLE", "SINCE"), cells, width=width)
