"""From where the present act comes: which entry point, which address, which request.

An entry point says it once, and whatever is written to the ledger while the act lasts carries
it. Outside of these, in a worker or a sweep, there is none.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Origin:
    """An entry point (``api``, ``admin``, ``cli``), the address of the peer, and the request's id."""

    via: str = ""
    address: str = ""
    request_id: str = ""

    def facts(self) -> dict[str, str]:
        """Return what the ledger keeps of it, without what is not known."""
        return {name: value for name, value in (("via", self.via), ("address", self.address)) if value}


_NOWHERE = Origin()
_origin: ContextVar[Origin] = ContextVar("cpds_origin", default=_NOWHERE)


def current_origin() -> Origin:
    """Return where the present act comes from."""
    return _origin.get()


@contextmanager
def coming_from(origin: Origin) -> Iterator[None]:
    """Say where what is done inside comes from."""
    before = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(before)


def signed(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of an event; those that say ``by`` whom it was done say from where, too."""
    return {**data, **current_origin().facts()} if data.get("by") else dict(data)
