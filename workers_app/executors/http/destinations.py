"""Where a request may go: one parser for the check and for the request itself."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

import httpx2

from cpds.base.redaction import redact_text

_PORTS: Final = {"http": 80, "https": 443}
_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?")
_SHOWN_CHARACTERS: Final = 200


@dataclass(frozen=True, kw_only=True)
class Destination:
    """An absolute http or https URL, taken apart once. ``host`` has no brackets and is ASCII."""

    scheme: str
    host: str
    port: int
    target: bytes

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host.rstrip("."), self.port

    @property
    def authority(self) -> str:
        """The value of the ``Host`` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        """Return the URL for messages: queries may hold secrets and are left out."""
        path = self.target.decode("ascii").partition("?")[0]
        return redact_text(f"{self.scheme}://{self.authority}{path}")[:_SHOWN_CHARACTERS]

    def joined(self, location: str) -> "Destination":
        """Return where a redirect from here to ``location`` leads.

        :raises ValueError: as ``parse_destination`` does.
        """
        here = f"{self.scheme}://{self.authority}{self.target.decode('ascii')}"
        try:
            return parse_destination(str(httpx2.URL(here).join(location)))
        except httpx2.InvalidURL:
            raise ValueError("expected a URL") from None


def parse_destination(text: str) -> Destination:
    """Parse an absolute http(s) URL without credentials.

    :raises ValueError: in a sentence that does not repeat the URL, which may hold secrets.
    """
    try:
        url = httpx2.URL(text)
        host = url.raw_host.decode("ascii")
        port = url.port if url.port is not None else _PORTS.get(url.scheme, 0)
    except (httpx2.InvalidURL, ValueError):
        raise ValueError("expected a URL") from None
    if url.scheme not in _PORTS:
        raise ValueError("expected a URL that starts with http:// or https://")
    if url.userinfo:
        raise ValueError("expected a URL without a user name or password in it")
    if not _is_host(host):
        raise ValueError("expected a URL with a valid host name or address")
    if not 0 < port < 1 << 16:
        raise ValueError("expected a URL with a port from 1 to 65535")
    return Destination(scheme=url.scheme, host=host, port=port, target=url.raw_path)


def is_allowed(host: str, port: int, allowed: Collection[str]) -> bool:
    """Return whether ``allowed`` names the host, as ``host``, ``host:port`` or ``[ipv6]:port``."""
    return any(_same(host, name) and wanted in (None, port) for name, wanted in map(_name_and_port, allowed))


def _name_and_port(entry: str) -> tuple[str, int | None]:
    if entry.count(":") > 1 and not entry.startswith("["):
        return entry, None
    try:
        parts = urlsplit(f"//{entry}")
        name, port = parts.hostname or "", parts.port
    except ValueError:
        return "", None
    return name, port


def _same(one: str, other: str) -> bool:
    try:
        return ip_address(one) == ip_address(other)
    except ValueError:
        return one.lower().rstrip(".") == other.lower().rstrip(".")


def _is_host(host: str) -> bool:
    if ":" not in host:
        return _HOST_NAME.fullmatch(host) is not None
    try:
        # A zone names an interface of the worker's machine, which is nobody's business.
        return "%" not in host and bool(IPv6Address(host).exploded)
    except ValueError:
        return False
