"""Requests counted in Redis, by the minute. Without Redis nobody is held up, and the log says so."""

import logging
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings

from cpds.base import clock

logger = logging.getLogger(__name__)

WINDOW_SECONDS: Final = 60
QUIET_SECONDS: Final = 5.0
"""After a failure Redis is not asked for so long: each time could cost a timeout."""
TIMEOUT_SECONDS: Final = 0.5

_quiet_until = float("-inf")


@dataclass(frozen=True, kw_only=True)
class Count:
    """How many of ``limit`` requests are left, and in how many seconds counting begins anew."""

    limit: int
    left: int
    reset_seconds: int

    @property
    def is_over(self) -> bool:
        """Whether this request was one too many."""
        return self.left < 0


def count_request(*, name: str, limit: int) -> Count | None:
    """Count a request under ``name``; None when it cannot be counted, which holds nobody up."""
    global _quiet_until  # noqa: PLW0603
    if limit <= 0 or clock.monotonic() < _quiet_until:
        return None
    client = _client(str(settings.CELERY_BROKER_URL))
    if client is None:
        return None
    import redis

    seconds = int(clock.now().timestamp())
    window, passed = divmod(seconds, WINDOW_SECONDS)
    key = f"cpds:requests:{name}:{window}"
    try:
        count = int(client.incr(key))
        if count == 1:
            client.expire(key, WINDOW_SECONDS * 2)
    except redis.RedisError as error:
        _quiet_until = clock.monotonic() + QUIET_SECONDS
        logger.warning("requests_not_counted error=%s", type(error).__name__)
        return None
    return Count(limit=limit, left=limit - count, reset_seconds=WINDOW_SECONDS - passed)


@cache
def _client(url: str) -> Any | None:
    """Return a client of the broker, if that is a Redis; its connections are kept."""
    parts = urlsplit(url)
    if not parts.scheme.startswith(("redis", "unix")):
        return None
    import redis

    options: dict[str, Any] = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}
    if parts.scheme in {"redis+socket", "unix"}:
        database = parse_qs(parts.query).get("virtual_host", ["0"])[0].strip("/") or "0"
        return redis.Redis(
            unix_socket_path=unquote(parts.path),
            db=int(database),
            password=unquote(parts.password) if parts.password else None,
            **options,
        )
    return redis.Redis.from_url(url, **options)
