"""Who may do what: the words, and which includes which. Pure."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a member may do in a project; each includes those before it.

    A viewer reads. An operator runs and controls. An editor writes workflows and
    contracts. An admin decides over members, tokens and limits.
    """

    VIEWER = "viewer"
    OPERATOR = "operator"
    EDITOR = "editor"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """Where the role stands among the others; more is more."""
        return _RANKS[self]

    def includes(self, other: "Role") -> bool:
        """Return whether who has this role may do what ``other`` may."""
        return self.rank >= other.rank


_RANKS: Final = {role: place for place, role in enumerate(Role)}


def lower(one: Role, other: Role) -> Role:
    """Return the role that may do less."""
    return one if one.rank <= other.rank else other


class TokenKind(StrEnum):
    """What a token is for."""

    PERSONAL = "personal"
    WORKER = "worker"
