"""Requirement sets: what a task requires of its worker, as one short name.

Two tasks that require the same have the same name, in whatever order they say
it; a task that requires nothing has the empty one.
"""

import hashlib
from collections.abc import Collection
from typing import Final

LONGEST_NAME: Final = 64
_READABLE: Final = 40
_DIGEST: Final = 20


def requirement_name(capabilities: Collection[str]) -> str:
    """Return the name of a requirement set: its words, sorted; of a long one the beginning and a digest."""
    name = "+".join(sorted(set(capabilities)))
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
    return f"{name[:_READABLE]}~{digest}"


def words_of(name: str) -> list[str]:
    """Return the words of a requirement set that its name tells.

    :raises LookupError: when the name is a long one's, which ends in a digest.
    """
    if "~" in name:
        raise LookupError(f"the name {name!r} does not tell what it requires")
    return name.split("+")
