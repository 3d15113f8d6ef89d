"""How many workers are wanted: of a pool that has certain capabilities, and for each requirement set."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Annotated, Final

from django.conf import settings
from django.db.models import Exists, OuterRef
from msgspec import Meta

from cpds.base.view import Count, View
from tasks_app.models import RequirementSet, Task
from tasks_app.planning.engine.scaling import (
    Helper,
    ScalingController,
    Slots,
    beyond,
    scale,
    slots_wanted,
    workers_for,
)
from tasks_app.services.lookup.fleet import LiveWorker, connected_fleet
from tasks_app.services.lookup.requirements import SETS_AT_ONCE, capabilities_of
from tasks_app.services.scaling.demand import read_demand

__all__ = [
    "NOTHING_REQUIRED",
    "TARGET_SECONDS",
    "Pool",
    "ScalingController",
    "SetWantedView",
    "WantedView",
    "scale",
    "workers_wanted",
]

TARGET_SECONDS: Final = 60.0
NOTHING_REQUIRED: Final = "_any"
"""The name that tells of tasks that require nothing; no capability begins with an underscore."""
_NONE: Final = Slots(ready=0, running=0, slots=Fraction(0), is_limited=False)


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Workers that are alike, and how many of them there may be."""

    capabilities: frozenset[str] | None = None
    """What each can do; None: whatever is asked for."""
    requires: frozenset[str] = frozenset()
    """They are there for tasks that require all of these; others are left to other pools."""
    slots: int | None = None
    """Of each; None: as the living worker with the fewest that could be of the pool, else the setting."""
    target_seconds: float = TARGET_SECONDS
    """How soon what is ready is to be done."""
    minimum: int = 0
    maximum: int | None = None

    def serves(self, needed: frozenset[str]) -> bool:
        """Return whether tasks with these requirements are its own."""
        return self.requires <= needed and (self.capabilities is None or needed <= self.capabilities)


class SetWantedView(View):
    """What one requirement set wants; ``workers`` leaves the bounds aside."""

    name: str
    capabilities: list[str]
    ready: Count
    running: Count
    seconds: float | None
    """How long such a task took lately on average; None: nobody knows."""
    slots: Count
    workers: Count
    is_limited: bool
    """A limit of an instance, a workflow, a project or a capability keeps it from wanting more."""


class WantedView(View):
    """How many workers a pool wants, and for what. ``sets`` are by name, ``_any`` what requires nothing."""

    workers: Count
    slots: Count
    slots_each: Annotated[int, Meta(ge=1)]
    target_seconds: float
    sets: dict[str, SetWantedView]


def workers_wanted(
    *, pool: Pool, projects: Collection[int] | None = None, own: Collection[str] | None = None
) -> WantedView:
    """Return how many workers a pool wants for what is ready and what runs (of ``projects``; None: of all).

    ``own``: the names of its workers. Then what the slots of others can do is left to them.
    """
    known = {name: needed for name, needed in _known_sets(projects).items() if pool.serves(needed)}
    groups, places = read_demand()
    seen = [each for each in groups if projects is None or each.project in projects]
    names = {each.demand.requirement for each in seen}
    known |= {name: needed for name in names if pool.serves(needed := capabilities_of(name))}
    served = [each.demand for each in seen if each.demand.requirement in known]
    wanted = slots_wanted(served, places=places, target_seconds=pool.target_seconds)
    slots = sum((each.slots for each in wanted.values()), Fraction(0))
    if own is not None:
        slots = beyond(wanted, _helpers(known, own=own, projects=projects))
    slots_each = pool.slots or _slots_of_one(pool)
    seconds = {each.demand.requirement: each.demand.seconds for each in seen}
    return WantedView(
        workers=workers_for(slots, slots_each=slots_each, minimum=pool.minimum, maximum=pool.maximum),
        slots=ceil(slots),
        slots_each=slots_each,
        target_seconds=pool.target_seconds,
        sets={
            each.name: each
            for each in (
                _told(name, known[name], wanted.get(name, _NONE), seconds.get(name), slots_each)
                for name in sorted(known)
            )
        },
    )


def _known_sets(projects: Collection[int] | None) -> Mapping[str, frozenset[str]]:
    sets = RequirementSet.objects.all()
    if projects is not None:
        # The names of sets tell what others work on.
        sets = sets.filter(Exists(Task.objects.filter(requirement=OuterRef("name"), project__in=projects)))
    rows = sets.order_by("-used_at", "pk").values_list("name", "capabilities")
    return {"": frozenset(), **{name: frozenset(needed) for name, needed in rows[:SETS_AT_ONCE]}}


def _helpers(
    known: Mapping[str, frozenset[str]], *, own: Collection[str], projects: Collection[int] | None
) -> list[Helper]:
    def helps(live_worker: LiveWorker) -> bool:
        if live_worker.projects is None:
            return True
        return projects is not None and live_worker.projects <= frozenset(projects)

    return [
        Helper(
            slots=live_worker.slots,
            meets=frozenset(name for name, needed in known.items() if needed <= live_worker.capabilities),
        )
        for live_worker in connected_fleet().live_workers()
        if live_worker.holder not in own and helps(live_worker)
    ]


def _slots_of_one(pool: Pool) -> int:
    alike = [
        live_worker.slots
        for live_worker in connected_fleet().live_workers()
        if live_worker.slots
        and live_worker.capabilities >= (pool.requires if pool.capabilities is None else pool.capabilities)
    ]
    return min(alike, default=int(settings.CELERY_WORKER_CONCURRENCY))


def _told(
    name: str, needed: frozenset[str], found: Slots, seconds: float | None, slots_each: int
) -> SetWantedView:
    return SetWantedView(
        name=name or NOTHING_REQUIRED,
        capabilities=sorted(needed),
        ready=found.ready,
        running=found.running,
        seconds=seconds,
        slots=ceil(found.slots),
        workers=workers_for(found.slots, slots_each=slots_each),
        is_limited=found.is_limited,
    )
