"""What must hold before other machines can reach the server."""

import ipaddress
from typing import Final

from django.conf import settings

from cpds.api.errors import NotSecured, TrustTooWide
from cpds.base.conf import conf

SHORTEST_KEY: Final = 32
"""Characters: a key of HS256, which signs access tokens, has as many bytes as its hash."""


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_exposure(host: str) -> None:
    """Make sure that a server at ``host`` may be reached by whoever can.

    A key that standalone made for itself is none that somebody has chosen.

    :raises NotSecured: when other machines can, and no key of ``SHORTEST_KEY`` characters was set.
    :raises TrustTooWide: when other machines can, and local requests need no credentials.
    """
    if is_loopback(host):
        return
    given = settings.SECRET_KEY if type(settings.SECRET_KEY) is str else ""
    if len(given) < SHORTEST_KEY:
        raise NotSecured(host=host, found="too short" if given else "not set", least=SHORTEST_KEY)
    if conf().trust_local:
        raise TrustTooWide(host=host)
