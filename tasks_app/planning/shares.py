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
    is_waiting: bool = False
    places: int | None = None
    """How many more it may have out; None: as many as it likes."""


@dataclass(frozen=True, kw_only=True)
class Grant:
    """How many messages of a project may go out now; those ``within`` its share overtake others."""

    project: int
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
    waiting = [each for each in standings if each.is_waiting and each.places != 0]
    is_shared = len(standings) > 1
    share = {each.project: share_of(each.project, standings, slots=slots) for each in waiting}
    within = dict.fromkeys(share, 0)
    beyond = dict.fromkeys(share, 0)
    left = most
    turns = [(_load(each, 0), each.project, each) for each in waiting]
    heapq.heapify(turns)
    while turns and left != 0:
        _, project, each = heapq.heappop(turns)
        given = within[project] + beyond[project]
        if is_shared and each.out + given < share[project]:
            within[project] += 1
        elif room > 0:
            beyond[project] += 1
        else:
            continue
        room -= 1
        left = None if left is None else left - 1
        if each.places is None or given + 1 < each.places:
            heapq.heappush(turns, (_load(each, given + 1), project, each))
    found = [Grant(project=key, within=within[key], beyond=beyond[key]) for key in share]
    return [each for each in found if each.messages]


def _load(standing: Standing, given: int) -> float:
    return (standing.out + given + 1) / standing.weight
