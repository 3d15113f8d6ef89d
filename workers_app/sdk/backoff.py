"""How long to wait before trying again."""

import random
from typing import Final

LONGEST_SECONDS: Final = 30.0


class Backoff:
    """Waits that double from ``first_seconds`` to ``longest_seconds``, each with up to half of it left out.

    The chance keeps a fleet that lost its server from coming back all at once.
    """

    def __init__(self, *, first_seconds: float = 0.5, longest_seconds: float = LONGEST_SECONDS) -> None:
        self._first = first_seconds
        self._longest = longest_seconds
        self._failures = 0

    def reset(self) -> None:
        """Begin anew: it worked."""
        self._failures = 0

    def next_seconds(self, wish: float | None = None) -> float:
        """Return how long to wait after one more failure; at least what the server wished."""
        ceiling = min(self._longest, self._first * 2.0 ** min(self._failures, 20))
        self._failures += 1
        return max(wish or 0.0, ceiling * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
