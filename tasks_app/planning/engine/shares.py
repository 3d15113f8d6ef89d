"""Shares: how projects that have work divide the slots among themselves. Pure.

A project's share is the part of the slots that its weight gives it beside the others
that have work, and never less than one slot. What is within a share goes out at once
and overtakes what others have out beyond theirs; what is left of the publish window
goes round by weight, so that no slot stays idle while anybody waits.
"""

import heapq
from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A project that has work: ready tasks, or tasks that are out (published or running)."""

    project: int
    weight: int = 1
    out: int = 0
    ordinary: int = 0
    """Messages among these that nobody has taken, and that overtake no others."""
    is_waiting: bool = False
    places: int | None = None
    """How many more it may have out; None: as many as it likes."""


@dataclass(frozen=True, kw_only=True)
class Grant:
    """How many messages of a project may go out now; those ``within`` its share overtake others.

    ``promoted``: so many that are out already are to overtake others from now on.
    """

    project: int
    promoted: int = 0
    within: int = 0
    beyond: int = 0

    @property
    def messages(self) -> int:
        """How many altogether."""
        return self.within + self.beyond


def share_of(project: int, standings: Collection[Standing], *, slots: int) -> float:
    """Return how many of the ``slots`` are a project's, beside the others that have work: at least one."""
    weights = {each.project: each.weight for each in standings}
    return max(1.0, slots * weights[project] / sum(weights.values()))


def grants(standings: Sequence[Standing], *, slots: int, room: int, most: int | None = None) -> list[Grant]:
    """Divide the ``room`` of a publish window among the projects that wait, each project once.

    The next message is always of the project that has the least out for its weight;
    of two alike, of the one with the smaller key. Beside others a project gets its
    share even when they fill the window. ``most``: not more messages than this (None: no such limit).
    """
    is_shared = len(standings) > 1
    turns = [
        _Turn(each, share_of(each.project, standings, slots=slots))
        for each in standings
        if (each.is_waiting and each.places != 0) or (is_shared and each.ordinary)
    ]
    heap = [(turn.load, turn.standing.project, turn) for turn in turns]
    heapq.heapify(heap)
    left = most
    while heap:
        _, project, turn = heapq.heappop(heap)
        if is_shared and turn.promotes():
            heapq.heappush(heap, (turn.load, project, turn))
            continue
        is_within = is_shared and turn.held < turn.share
        if left == 0 or not turn.may_publish or (room <= 0 and not is_within):
            continue
        turn.publish(is_within=is_within)
        room -= 1
        left = None if left is None else left - 1
        heapq.heappush(heap, (turn.load, project, turn))
    return [turn.grant for turn in turns if turn.grant.messages or turn.grant.promoted]


@dataclass
class _Turn:
    """What a project has been granted so far."""

    standing: Standing
    share: float
    promoted: int = 0
    within: int = 0
    beyond: int = 0

    @property
    def load(self) -> float:
        given = self.within + self.beyond
        return (self.standing.out + given + 1) / self.standing.weight

    @property
    def held(self) -> int:
        """How many it runs, or will before others that are beyond their shares."""
        return self.standing.out - self.standing.ordinary + self.promoted + self.within

    @property
    def may_publish(self) -> bool:
        places = self.standing.places
        return self.standing.is_waiting and (places is None or self.within + self.beyond < places)

    @property
    def grant(self) -> Grant:
        return Grant(
            project=self.standing.project, promoted=self.promoted, within=self.within, beyond=self.beyond
        )

    def promotes(self) -> bool:
        """Have one that is out overtake others, if that is its share; return whether it does."""
        if self.held >= self.share or self.promoted >= self.standing.ordinary:
            return False
        self.promoted += 1
        return True

    def publish(self, *, is_within: bool) -> None:
        if is_within:
            self.within += 1
        else:
            self.beyond += 1
