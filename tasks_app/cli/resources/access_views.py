"""Tokens, projects and members: for people, and as documents."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from tasks_app.cli.text import table
from tasks_app.cli.times import shown_time
from tasks_app.models import ApiToken, Membership, Project
from tasks_app.services.queries.values import moment


def token_document(row: ApiToken) -> dict[str, Any]:
    """Return what programs are told of a token."""
    return {
        "id": row.pk,
        "name": row.name,
        "kind": str(row.kind),
        "prefix": row.prefix,
        "user": row.user.get_username() if row.user else None,
        "project": row.project.slug if row.project else None,
        "role": str(row.role),
        "pool": row.pool,
        "created_at": moment(at=row.created_at),
        "expires_at": moment(at=row.expires_at),
        "last_used_at": moment(at=row.last_used_at),
        "revoked_at": moment(at=row.revoked_at),
    }


def token_table(rows: Sequence[dict[str, Any]], *, width: int) -> Iterator[Text]:
    """Yield the table of tokens."""
    headings = ("ID", "NAME", "TOKEN", "KIND", "USER", "PROJECT", "ROLE", "EXPIRES", "LAST_USED", "REVOKED")
    cells = [
        (
            str(row["id"]),
            row["name"],
            f"{row['prefix']}…",
            row["kind"],
            row["user"] or "-",
            row["project"] or "-",
            row["role"],
            *(shown_time(row[name]) for name in ("expires_at", "last_used_at", "revoked_at")),
        )
        for row in rows
    ]
    return table(headings, cells, width=width)


def project_document(row: Project) -> dict[str, Any]:
    """Return what programs are told of a project."""
    return {
        "slug": row.slug,
        "name": row.name,
        "max_parallel": row.max_parallel,
        "weight": row.weight,
        "created_at": moment(at=row.created_at),
    }


def project_table(rows: Sequence[dict[str, Any]], *, width: int) -> Iterator[Text]:
    """Yield the table of projects."""
    headings = ("PROJECT", "NAME", "MAX_PARALLEL", "WEIGHT", "CREATED")
    cells = [
        (
            row["slug"],
            row["name"],
            str(row["max_parallel"] or "-"),
            str(row["weight"]),
            shown_time(row["created_at"]),
        )
        for row in rows
    ]
    return table(headings, cells, width=width)


def member_document(row: Membership) -> dict[str, Any]:
    """Return what programs are told of a member."""
    return {"user": row.user.get_username(), "role": str(row.role), "created_at": moment(at=row.created_at)}


def member_table(rows: Sequence[dict[str, Any]], *, width: int) -> Iterator[Text]:
    """Yield the table of members."""
    cells = [(row["user"], row["role"], shown_time(row["created_at"])) for row in rows]
    return table(("USER", "ROLE", "SINCE"), cells, width=width)
