"""Logins: a short access token for requests, and a refresh token that is good for one use.

Both name their login, so that a logout, a reused refresh token, a changed password or
a deactivated user ends them all at once.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any, Final

from django.contrib.auth import authenticate
from django.http import HttpRequest
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import Token

from cpds.base import clock, db
from cpds.base.conf import conf
from cpds.base.origin import current_origin
from tasks_app.errors import BadCredentials
from tasks_app.models import Login
from tasks_app.services.access.audit import note_change

LONGEST_NAME: Final = 150
LONGEST_PASSWORD: Final = 1024
"""Hashing is slow on purpose: what nobody types is not hashed."""
BAD_PASSWORD: Final = "The name or the password is wrong."  # noqa: S105 - a sentence
BAD_REFRESH: Final = "The refresh token is not good: it ran out, was used before, or its login has ended."


class AccessToken(Token):
    """What requests show."""

    token_type = "access"  # noqa: S105 - the name of a kind

    lifetime = timedelta(seconds=1)


class RefreshToken(Token):
    """What the next pair of tokens is got with."""

    token_type = "refresh"  # noqa: S105 - the name of a kind

    lifetime = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """A pair of tokens, and for how many seconds each is good."""

    access: str
    refresh: str
    access_seconds: int
    refresh_seconds: int
    user: Any


def log_in(*, request: HttpRequest, username: str, password: str) -> Tokens:
    """Return the tokens of a new login.

    :raises BadCredentials: when name and password are not those of an active user.
    """
    user = None
    if len(username) <= LONGEST_NAME and len(password) <= LONGEST_PASSWORD and "\0" not in username:
        user = authenticate(request, username=username, password=password)
    if user is None:
        raise BadCredentials(what=BAD_PASSWORD)
    family, refresh_id = token_hex(16), token_hex(16)
    with db.transaction():
        login = Login.objects.create(
            user=user,
            family=family,
            refresh_id=refresh_id,
            address=current_origin().address[:64],
            expires_at=clock.now() + timedelta(seconds=conf().refresh_seconds),
        )
        note_change(kind="login.begun", by=user.get_username(), subject=user.get_username())
    return _pair(login, user)


def refresh(token: str) -> Tokens:
    """Return the next tokens of a login; ``token`` is good no more.

    Shown a second time, it may have been stolen: the login ends.

    :raises BadCredentials: when it is not good.
    """
    claims = _claims(token, RefreshToken)
    login = _living(claims)
    if login is None:
        raise BadCredentials(what=BAD_REFRESH)
    next_id = token_hex(16)
    mine = Login.objects.filter(pk=login.pk, refresh_id=str(claims["jti"]), revoked_at__isnull=True)
    with db.transaction():
        won = mine.update(
            refresh_id=next_id, expires_at=clock.now() + timedelta(seconds=conf().refresh_seconds)
        )
        if not won:
            _end(login, kind="login.reused")
    if not won:
        raise BadCredentials(what=BAD_REFRESH)
    login.refresh_id = next_id
    return _pair(login, login.user)


def log_out(token: str) -> None:
    """End the login that a refresh token belongs to; with one that is not good nothing happens."""
    try:
        login = _living(_claims(token, RefreshToken))
    except BadCredentials:
        return
    if login is not None:
        with db.transaction():
            _end(login, kind="login.ended")


def user_of_access_token(token: str) -> Any | None:
    """Return the active user that an access token stands for, in one statement; None when it is not good."""
    try:
        login = _living(_claims(token, AccessToken))
    except BadCredentials:
        return None
    return login and login.user


def _claims(token: str, kind: type[Token]) -> Any:
    try:
        return kind(token).payload  # type: ignore[arg-type]
    except (TokenError, ValueError, OverflowError, TypeError, AttributeError):
        # The library lets through what a clock cannot hold, such as an expiry of 1e30.
        raise BadCredentials(what=BAD_REFRESH) from None


def _living(claims: Any) -> Login | None:
    family, seal = claims.get("login"), claims.get("seal")
    if not (isinstance(family, str) and isinstance(seal, str) and len(family) == 32 and family.isalnum()):
        return None
    login: Login | None = (
        Login.objects.select_related("user")
        .filter(family=family, revoked_at__isnull=True, expires_at__gt=clock.database_now())
        .first()
    )
    if login is None or not login.user.is_active or str(claims.get("sub")) != str(login.user_id):
        return None
    return login if hmac.compare_digest(seal.encode(), _seal(login.user).encode()) else None


def _seal(user: Any) -> str:
    """Return what changes with the user's password."""
    return str(user.get_session_auth_hash())[:32]


def _end(login: Login, *, kind: str) -> None:
    ended = Login.objects.filter(pk=login.pk, revoked_at__isnull=True).update(revoked_at=clock.database_now())
    if ended:
        name = login.user.get_username()
        note_change(kind=kind, by=name, subject=name)


def _pair(login: Login, user: Any) -> Tokens:
    now, times = clock.now(), conf()
    return Tokens(
        access=_signed(
            AccessToken(), login, until=now + timedelta(seconds=times.access_seconds), jti=token_hex(16)
        ),
        refresh=_signed(
            RefreshToken(), login, until=now + timedelta(seconds=times.refresh_seconds), jti=login.refresh_id
        ),
        access_seconds=int(times.access_seconds),
        refresh_seconds=int(times.refresh_seconds),
        user=user,
    )


def _signed(token: Token, login: Login, *, until: datetime, jti: str) -> str:
    token.set_exp(from_time=until, lifetime=timedelta())
    token["jti"] = jti
    token["sub"] = str(login.user_id)
    token["login"] = login.family
    token["seal"] = _seal(login.user)
    return str(token)
