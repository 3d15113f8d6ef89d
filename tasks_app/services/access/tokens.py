"""API tokens: make, recognise, list, revoke."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import CharField, DateTimeField, OuterRef, Q, QuerySet, Subquery

from cpds.base import clock, db
from cpds.base.statements import ModelStatement
from tasks_app.errors import Forbidden, NotFound
from tasks_app.models import ApiToken, Membership, Project
from tasks_app.models.sql import FOLDER
from tasks_app.roles import Role, TokenKind, lower
from tasks_app.services.access.audit import note_change
from tasks_app.services.access.callers import Caller, CallerKind

PREFIXES: Final = {TokenKind.PERSONAL: "cpds_pat_", TokenKind.WORKER: "cpds_wrk_"}
SECRET_BYTES: Final = 20
VISIBLE: Final = 6
"""Characters of the secret that lists show, after the prefix."""
USED_EVERY_SECONDS: Final = 60
LISTING: Final = "GET /api/v1/tokens"


@dataclass(frozen=True, kw_only=True)
class NewToken:
    """A token just made. ``secret`` is known now and never again."""

    token: ApiToken
    secret: str


def create_token(
    *,
    caller: Caller,
    name: str,
    role: Role,
    project: Project | None,
    user_id: int | None = None,
    kind: TokenKind = TokenKind.PERSONAL,
    expires_at: datetime | None = None,
    pool: str = "",
) -> NewToken:
    """Make a token for ``user_id`` (none: it acts for the project) with at most the caller's own role.

    :raises Forbidden: when the caller gives more than they have, or to somebody else.
    """
    _check_that_it_may_be_given(caller, role, project, user_id)
    secret = PREFIXES[kind] + secrets.token_hex(SECRET_BYTES)
    with db.transaction():
        token = ApiToken.objects.create(
            kind=kind,
            name=name,
            prefix=secret[: len(PREFIXES[kind]) + VISIBLE],
            digest=digest_of(secret),
            user_id=user_id,
            project=project,
            role=role,
            pool=pool,
            created_by=caller.name[:200],
            expires_at=expires_at,
        )
        token.refresh_from_db()
        note_change(
            kind="token.created", by=caller.name, project=project, subject=str(token), after=_facts(token)
        )
    return NewToken(token=token, secret=secret)


def visible_tokens(caller: Caller) -> "QuerySet[ApiToken]":
    """Return the caller's own tokens, and those of the projects they are an admin of; newest first."""
    rows = ApiToken.objects.select_related("user", "project").order_by("-pk")
    if caller.is_installation_admin:
        return rows
    governed = [key for key in caller.roles if caller.may(Role.ADMIN, key)]
    own = Q(user_id=caller.user_id) if caller.user_id is not None else Q(pk=caller.token_id)
    if caller.project is not None:
        own &= Q(project=caller.project)
    return rows.filter(own | Q(project__in=governed))


def find_token(*, caller: Caller, token_id: int) -> ApiToken:
    """Return a token that is visible to the caller.

    :raises NotFound: when there is no such token for this caller.
    """
    token = visible_tokens(caller).filter(pk=token_id).first()
    if token is None:
        raise NotFound(kind="token", given=str(token_id), listing=LISTING)
    return token


def revoke_token(*, caller: Caller, token_id: int) -> ApiToken:
    """End a token at once; one that is revoked already stays as it is.

    :raises NotFound: when there is no such token for this caller.
    """
    with db.transaction():
        token = find_token(caller=caller, token_id=token_id)
        changed = ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(
            revoked_at=clock.database_now()
        )
        if changed:
            note_change(
                kind="token.revoked",
                by=caller.name,
                project=token.project,
                subject=str(token),
                before=_facts(token),
            )
        token.refresh_from_db()
    return token


def recognise(secret: str) -> Caller | None:
    """Return whom a token stands for, in one statement; None when it is not good.

    A user who was deactivated or removed from the token's project has no good token there.
    """
    digest = digest_of(secret)
    token: Any = next(iter(_RECOGNISE.found(digest=digest)), None)
    if token is None or not hmac.compare_digest(token.digest, digest):
        return None
    asked_at: datetime = token.asked_at
    if (token.expires_at and token.expires_at <= asked_at) or (token.user and not token.user.is_active):
        return None
    caller = _caller(token, token.member_role)
    if caller is not None:
        _note_use(token, asked_at)
    return caller


def _good(digest: str) -> "QuerySet[ApiToken]":
    member = Membership.objects.filter(user=OuterRef("user"), project=OuterRef("project"))
    return (
        ApiToken.objects.select_related("user", "project")
        .annotate(member_role=Subquery(member.values("role")[:1]), asked_at=clock.database_now())
        .filter(digest=digest, revoked_at__isnull=True)
    )


_RECOGNISE = ModelStatement(
    "recognise_token",
    folder=FOLDER,
    model=ApiToken,
    along=("user", "project"),
    annotations={"member_role": CharField(), "asked_at": DateTimeField()},
    otherwise=_good,
)


def digest_of(secret: str) -> str:
    """Return what is stored of a secret. It is long and random, so a plain hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _caller(token: ApiToken, member_role: str | None) -> Caller | None:
    role, user, project = Role(token.role), token.user, token.project
    facts: dict[str, Any] = {
        "kind": CallerKind(token.kind),
        "token_id": token.pk,
        "user_id": token.user_id,
        "project": project,
        "pool": token.pool,
    }
    if project is None:
        if user is None:
            return None
        roles = {
            key: lower(Role(held), role)
            for key, held in Membership.objects.filter(user=user).values_list("project_id", "role")
        }
        return Caller(
            name=user.get_username(), is_superuser=user.is_superuser, roles=roles, cap=role, **facts
        )
    if user is None or token.kind == TokenKind.WORKER:
        return Caller(name=f"token {token.name}", roles={project.pk: role}, cap=role, **facts)
    held = Role.ADMIN if user.is_superuser else Role(member_role) if member_role else None
    if held is None:
        return None
    return Caller(name=user.get_username(), roles={project.pk: lower(held, role)}, cap=role, **facts)


def _note_use(token: ApiToken, asked_at: datetime) -> None:
    before = asked_at - timedelta(seconds=USED_EVERY_SECONDS)
    if token.last_used_at is None or token.last_used_at < before:
        stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=before)
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=asked_at)


def _check_that_it_may_be_given(
    caller: Caller, role: Role, project: Project | None, user_id: int | None
) -> None:
    if caller.is_installation_admin:
        return
    is_own = user_id is not None and user_id == caller.user_id
    if project is not None:
        caller.require(role if is_own else Role.ADMIN, project.pk, given=project.slug)
    if not (is_own or user_id is None):
        raise Forbidden(needed="superuser", where="", caller=caller.name, has="not")
    if project is None and not (caller.project is None and caller.cap.includes(role)):
        raise Forbidden(
            needed=str(role), where=" everywhere", caller=caller.name, has=f"at most {str(caller.cap)!r}"
        )


def _facts(token: ApiToken) -> dict[str, Any]:
    return {
        "kind": str(token.kind),
        "name": token.name,
        "prefix": token.prefix,
        "role": str(token.role),
        "user": token.user.get_username() if token.user else None,
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
    }
