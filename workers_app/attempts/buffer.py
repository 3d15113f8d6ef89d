"""The buffer of a stream: items in order, until there are enough or the first is old enough.

It knows neither threads nor clocks: ``now`` is seconds of any clock that never runs backwards.
"""

from collections import deque
from itertools import islice

from tasks_app.services.attempts.streams import BATCH_CHARACTERS, Item


class Buffer:
    """Items that were emitted and not yet handed on."""

    def __init__(self, *, size: int, flush_seconds: float, characters: int = BATCH_CHARACTERS) -> None:
        self.size = size
        self.flush_seconds = flush_seconds
        self.characters = characters
        self._items: deque[Item] = deque()
        self._characters = 0
        self._since: float | None = None

    def __len__(self) -> int:
        return len(self._items)

    @property
    def is_full(self) -> bool:
        """Whether it holds as many items as one batch has."""
        return len(self._items) >= self.size

    @property
    def due_at(self) -> float | None:
        """When what it holds is old enough to be handed on; None when it is empty."""
        return None if self._since is None else self._since + self.flush_seconds

    def has_room_for(self, item: Item) -> bool:
        """Return whether the item still fits into this batch; an empty buffer takes any."""
        if not self._items:
            return True
        return not self.is_full and self._characters + item.size <= self.characters

    def add(self, item: Item, *, now: float) -> None:
        """Take an item for which there is room."""
        self._items.append(item)
        self._characters += item.size
        if self._since is None:
            self._since = now

    def first(self) -> list[Item]:
        """Return what the next batch holds; nothing is taken out."""
        return list(islice(self._items, self.size))

    def drop(self, count: int, *, now: float) -> None:
        """Take out the oldest ``count`` items, which were handed on; the age of the rest counts from now."""
        for _ in range(count):
            self._characters -= self._items.popleft().size
        self._since = now if self._items else None
