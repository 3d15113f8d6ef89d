"""Which IP addresses are the public internet's. Pure: no names, no network.

``ipaddress.is_global`` alone is no guard: it says yes to multicast, to site
local addresses, and to IPv6 forms that carry a private IPv4 address inside.
So IPv4 is refused by list, and IPv6 is refused unless it is ordinary global
unicast (2000::/3) outside every transition and documentation prefix.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

# IANA special-purpose address registries, read 2026-08; the last one is a cloud's own metadata service,
# at an address that looks public.
_REFUSED_V4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
            "168.63.129.16/32",
        ),
    )
)
_UNICAST_V6: Final = IPv6Network("2000::/3")
# Protocol assignments (Teredo, ORCHID, benchmarking among them), documentation, 6to4.
_REFUSED_V6: Final = tuple(
    map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "2620:4f:8000::/48"))
)
# ISATAP puts an IPv4 address behind this interface identifier, in any prefix (RFC 5214).
_ISATAP: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})


def is_public(ip: str | IPv4Address | IPv6Address) -> bool:
    """Return whether ``ip`` is an ordinary host of the public internet.

    A text that is no IP address is not public; a zone (``fe80::1%eth0``) is
    ignored. Forms of IPv6 that embed an IPv4 address are never public.
    """
    if isinstance(ip, str):
        try:
            ip = ip_address(ip.partition("%")[0])
        except ValueError:
            return False
    if isinstance(ip, IPv4Address):
        return ip.is_global and not _is_in(ip, _REFUSED_V4)
    return (
        ip.is_global
        and ip in _UNICAST_V6
        and not _is_in(ip, _REFUSED_V6)
        and (int(ip) >> 32) & 0xFFFF_FFFF not in _ISATAP
    )


def _is_in(ip: IPv4Address | IPv6Address, networks: Sequence[IPv4Network] | Sequence[IPv6Network]) -> bool:
    return any(ip in network for network in networks)
