"""Public ids of the fleet's rows: short, readable aloud, safe in a URL."""

import secrets
from typing import Final

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no i, l, o, u, so that nothing is misread."""
LENGTH: Final = 12


def worker_id() -> str:
    """Return a new id of a worker, ``worker-…``."""
    return "worker-" + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
