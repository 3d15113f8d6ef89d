"""Who asks: a bearer's token, staff with a browser, or whoever sits at this machine.

An endpoint sees ``request.auth``: a ``Caller``. Session cookies are taken for reading only, so
that no other site can act with them.
"""

from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from cpds.api.requests.exposure import is_loopback
from cpds.base.conf import conf
from tasks_app.services.access.callers import Caller, caller_of_user, local_caller
from tasks_app.services.access.tokens import PREFIXES, recognise

LONGEST_HEADER: Final = 4096
REALM: Final = 'Bearer realm="cpds"'
_FORWARDED: Final = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via")


class Person:
    """The user of a request that no row of the users' table stands for."""

    is_authenticated = is_active = True
    is_anonymous = is_staff = is_superuser = False
    pk = None

    def __init__(self, name: str) -> None:
        self.username = name

    def get_username(self) -> str:
        """Return what the ledger calls them."""
        return self.username

    def __str__(self) -> str:
        return self.username


class BearerAuthentication(BaseAuthentication):
    """Takes ``Authorization: Bearer``, followed by an access token or an API token."""

    def authenticate(self, request: Request) -> tuple[Any, Caller] | None:
        """Return who the token stands for; None without one."""
        given = request.headers.get("Authorization")
        if given is None:
            return None
        word, _, token = given.partition(" ")
        if word.lower() != "bearer" or len(given) > LONGEST_HEADER or not token.isascii():
            raise AuthenticationFailed("Expected the header Authorization: Bearer, and one token.")
        caller = caller_of(token.strip())
        if caller is None:
            raise AuthenticationFailed("The token is not good: it is wrong, ran out, or was revoked.")
        return Person(caller.name), caller

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        """Return what a client without credentials is told."""
        return REALM


class StaffSession(BaseAuthentication):
    """Takes the session of staff, for looking only: the browsable API and the admin share it."""

    def authenticate(self, request: Request) -> tuple[Any, Caller] | None:
        """Return the user of the session; None for others and for whatever changes something."""
        user = getattr(request._request, "user", None)  # noqa: SLF001
        if request.method not in SAFE_METHODS or user is None or not (user.is_active and user.is_staff):
            return None
        return user, caller_of_user(user)


class LocalTrust(BaseAuthentication):
    """Takes whoever sits at this machine, where only this machine can reach the server."""

    def authenticate(self, request: Request) -> tuple[Any, Caller] | None:
        """Return the local caller; None where there is no such trust."""
        if not is_trusted(request._request):  # noqa: SLF001
            return None
        caller = local_caller()
        return Person(caller.name), caller


def caller_of(token: str) -> Caller | None:
    """Return whom a bearer's token stands for; None when it is not good."""
    if token.startswith(tuple(PREFIXES.values())):
        return recognise(token)
    from tasks_app.services.access.logins import user_of_access_token

    user = user_of_access_token(token)
    return caller_of_user(user) if user is not None else None


def is_trusted(request: HttpRequest) -> bool:
    """Return whether a request comes from this machine, by its own will.

    A page of another site that makes the browser of this machine ask is told apart by
    ``Host`` (a name that was made to point here) and ``Origin``; a proxy on this machine
    that speaks for others, by the headers it adds.
    """
    return (
        conf().trust_local
        and is_loopback(request.META.get("REMOTE_ADDR", ""))
        and not any(name in request.headers for name in _FORWARDED)
        and _is_local_name(urlsplit(f"//{request.META.get('HTTP_HOST', '')}"))
        and (request.method in SAFE_METHODS or _is_own_page(request))
    )


def _is_own_page(request: HttpRequest) -> bool:
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site", "none") in {"none", "same-origin"}
    own = f"{request.scheme}://{request.META.get('HTTP_HOST', '')}"
    return origin == own or origin in settings.CORS_ALLOWED_ORIGINS


def _is_local_name(parts: Any) -> bool:
    try:
        name = (parts.hostname or "").lower()
    except ValueError:
        return False
    return is_loopback(name)
