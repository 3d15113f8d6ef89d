"""How often one may ask: by token, user or address, each in a scope of its endpoint."""

import ipaddress
from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from cpds.api.requests.counting import Count, count_request
from cpds.base.conf import conf
from tasks_app.services.access.callers import Caller, CallerKind


class Throttle(BaseThrottle):
    """Counts a request; the counts stand in the answer's headers.

    An endpoint's ``throttle_scope`` is ``default``, or ``login``, which has the tightest limit.
    """

    def __init__(self) -> None:
        self._count: Count | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        """Return whether the request may go on."""
        name, limit = _name_and_limit(request, getattr(view, "throttle_scope", "default"))
        self._count = count_request(name=name, limit=limit) if name else None
        request._request.META["cpds.count"] = self._count  # noqa: SLF001 - for the headers of the answer
        return self._count is None or not self._count.is_over

    def wait(self) -> float | None:
        """Return in how many seconds to come again."""
        return float(self._count.reset_seconds) if self._count else None


def count_headers(request: Any) -> dict[str, str]:
    """Return the headers that tell a client how many requests it has left."""
    count: Count | None = request.META.get("cpds.count")
    if count is None:
        return {}
    left = str(max(0, count.left))
    reset = str(count.reset_seconds)
    return {
        "RateLimit-Policy": f'"default";q={count.limit};w=60',
        "RateLimit": f'"default";r={left};t={reset}',
        "X-RateLimit-Limit": str(count.limit),
        "X-RateLimit-Remaining": left,
        "X-RateLimit-Reset": reset,
    }


def _name_and_limit(request: Request, scope: str) -> tuple[str, int]:
    if scope == "login":
        return f"login:{address_of(request)}", conf().logins_per_minute
    caller = request.auth
    if not isinstance(caller, Caller):
        return f"address:{address_of(request)}", conf().requests_per_minute
    if caller.kind is CallerKind.LOCAL:
        return "", 0
    if caller.kind is CallerKind.WORKER:
        return caller.key, conf().worker_requests_per_minute
    return caller.key, conf().requests_per_minute


def address_of(request: Any) -> str:
    """Return the peer's address; of one of IPv6 the network, since a host has as many as it likes."""
    given = request.META.get("REMOTE_ADDR", "")
    try:
        address = ipaddress.ip_address(given)
    except ValueError:
        return "unknown"
    if address.version == 6:
        return str(ipaddress.ip_network(f"{address}/64", strict=False).network_address)
    return str(address)
