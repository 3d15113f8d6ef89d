"""Scaling: how many workers the work that is there wants, and when to have fewer. Pure.

Every task that runs keeps its slot. For what is ready there are enough more that all
of it is done within the target time; a task that takes longer than that has a slot of
its own. What a limit holds back wants none.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor


@dataclass(frozen=True, kw_only=True)
class Demand:
    """Tasks that are alike: the same requirement set, and held back by the same limits."""

    requirement: str
    ready: int = 0
    running: int = 0
    """On workers that go on."""
    seconds: float | None = None
    """How long one takes; None: nobody knows, so each is given a slot of its own."""
    limits: frozenset[str] = frozenset()
    """The names of the limits that count these tasks."""


@dataclass(frozen=True, kw_only=True)
class Slots:
    """What a requirement set wants. ``is_limited``: a limit keeps it from wanting more."""

    ready: int
    running: int
    slots: Fraction
    is_limited: bool

    def __add__(self, other: "Slots") -> "Slots":
        return Slots(
            ready=self.ready + other.ready,
            running=self.running + other.running,
            slots=self.slots + other.slots,
            is_limited=self.is_limited or other.is_limited,
        )


@dataclass(frozen=True, kw_only=True)
class Helper:
    """Slots that are there anyway, and the requirement sets that they meet."""

    slots: int
    meets: frozenset[str] = field(default_factory=frozenset)


def slots_wanted(
    demands: Collection[Demand], *, places: Mapping[str, int], target_seconds: float
) -> dict[str, Slots]:
    """Return by requirement set how many slots are wanted.

    ``places`` is how many more tasks each limit lets run. More demand never wants less
    in all where limits nest (an instance's in its project's); where one of a capability
    crosses one of a project, more of one set may take the places of two others.
    """
    left = {name: Fraction(max(0, number)) for name, number in places.items()}
    wanted: dict[str, Slots] = {}
    # Those with fewer limits first: what only they can use is theirs, and the rest has what is left.
    for each in sorted(demands, key=lambda each: (len(each.limits), each.requirement, sorted(each.limits))):
        more = _more_for(each, target_seconds=target_seconds)
        given = min([more, *(left[name] for name in each.limits if name in left)])
        for name in each.limits & left.keys():
            left[name] -= given
        found = Slots(
            ready=each.ready, running=each.running, slots=each.running + given, is_limited=given < more
        )
        wanted[each.requirement] = wanted[each.requirement] + found if each.requirement in wanted else found
    return wanted


def _more_for(each: Demand, *, target_seconds: float) -> Fraction:
    """Return how many slots are wanted beside those of what runs."""
    rounds = 1 if each.seconds is None else max(1, floor(target_seconds / max(each.seconds, 0.001)))
    return max(Fraction(0), Fraction(each.ready + each.running, rounds) - each.running)


def beyond(wanted: Mapping[str, Slots], helpers: Sequence[Helper]) -> Fraction:
    """Return how many of the slots wanted are not there anyway.

    Helpers that can do least choose first, and of what they can do, what the fewest others can.
    """
    missing = {name: each.slots for name, each in wanted.items()}
    able = {name: sum(name in helper.meets for helper in helpers) for name in missing}
    for helper in sorted(helpers, key=lambda each: len(each.meets)):
        free = Fraction(helper.slots)
        for name in sorted(helper.meets & missing.keys(), key=lambda name: (able[name], name)):
            taken = min(free, missing[name])
            missing[name] -= taken
            free -= taken
    return sum(missing.values(), Fraction(0))


def workers_for(slots: Fraction, *, slots_each: int, minimum: int = 0, maximum: int | None = None) -> int:
    """Return how many workers have so many slots, within the bounds. The maximum goes before the minimum."""
    wanted = max(minimum, ceil(slots / slots_each))
    return wanted if maximum is None else min(wanted, maximum)


@dataclass(frozen=True, kw_only=True)
class ScalingController:
    """How many workers there are to be, and since when fewer would have done."""

    workers: int
    low_since: float | None = None
    peak: int = 0
    """The most that were wanted since then."""


def scale(now: ScalingController, *, wanted: int, at: float, quiet_seconds: float) -> ScalingController:
    """Return how many workers there are to be from now on.

    More at once; fewer when fewer have been wanted for ``quiet_seconds`` on end, and
    then only as few as the busiest moment of that time wanted.
    """
    if wanted >= now.workers:
        return ScalingController(workers=wanted)
    if now.low_since is None:
        now = ScalingController(workers=now.workers, low_since=at, peak=wanted)
    peak = max(now.peak, wanted)
    if now.low_since is not None and at - now.low_since >= quiet_seconds:
        return ScalingController(workers=peak)
    return ScalingController(workers=now.workers, low_since=now.low_since, peak=peak)
