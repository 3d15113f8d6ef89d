"""Public ids: short, readable aloud, safe in a URL, not guessable in order."""

import secrets
from typing import Final

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no i, l, o, u, so that nothing is misread."""
LENGTH: Final = 12
"""Sixty bits: a collision among ten million ids has a chance of about one in twenty thousand, and the
unique index refuses it."""


def _new(prefix: str) -> str:
    return prefix + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def workflow_id() -> str:
    """Return a new id of a workflow, ``wf-…``."""
    return _new("wf-")


def instance_id() -> str:
    """Return a new id of an instance, ``inst-…``."""
    return _new("inst-")


def contract_id() -> str:
    """Return a new id of a contract, ``ct-…``."""
    return _new("ct-")


def dispatch_id() -> str:
    """Return a new dispatch id: the fence of every claim made under it."""
    return secrets.token_hex(12)
