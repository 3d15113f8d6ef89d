"""The publish window: how many messages may be out, and whose.

About two for each free slot, so that a slot never waits for planning; the rest
stays as rows, in the order that the database keeps. A lost message then costs
seconds and not a backlog, and an urgent task overtakes everything but the few
messages that are out already.

Each requirement set has a window of its own, by the free slots of the workers
that can meet it. While nobody can, nothing is published: such tasks stay rows,
and are in nobody's way. In each window the projects that have work share the
slots by their weights (``planning.shares``).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from cpds.base.conf import conf
from cpds.base.statements import Statement
from tasks_app.models.sql import FOLDER
from tasks_app.planning.engine.shares import Grant, Standing, grants
from tasks_app.services.lookup.fleet import LiveWorker, connected_fleet
from tasks_app.services.lookup.requirements import capabilities_of

_LOOK = Statement("look_at_window", folder=FOLDER)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a project is given."""

    weight: int = 1
    max_parallel: int | None = None


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What is out, what runs and what waits, at one moment. Projects are told by their keys."""

    queued: Mapping[tuple[str, int], int]
    """By requirement set and project: how many messages are out."""
    express: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """Of these, how many overtake others."""
    running: Mapping[tuple[str, str, int], int]
    """By worker, requirement set and project: how many tasks run."""
    waiting: Collection[tuple[str, int]]
    """The requirement sets, each with the project, that ready tasks wait for."""
    terms: Mapping[int, Terms] = field(default_factory=dict)
    """Of every project among these."""

    @property
    def all_running(self) -> int:
        """How many tasks run."""
        return sum(self.running.values())

    @property
    def requirements_in_play(self) -> list[str]:
        """The requirement sets that ready tasks wait for, or for which several projects have messages out."""
        out = [requirement for requirement, _ in self.queued]
        shared = {requirement for requirement in out if out.count(requirement) > 1}
        return sorted(shared | {requirement for requirement, _ in self.waiting})

    @property
    def requirements_out(self) -> list[str]:
        """The requirement sets of which messages are out."""
        return sorted({requirement for requirement, _ in self.queued})

    def queued_of(self, requirement: str) -> int:
        """Return how many messages of a requirement set are out."""
        return sum(count for (each, _), count in self.queued.items() if each == requirement)

    def slots(self, requirement: str = "", *, project: int | None = None) -> int:
        """Return how many slots the workers have that can meet a requirement set (and serve a project)."""
        if not requirement and project is None:
            return connected_fleet().slots()
        return sum(
            live_worker.slots for live_worker in eligible_workers(requirement=requirement, project=project)
        )

    def free_slots(self, requirement: str = "", *, project: int | None = None) -> int:
        """Return how many of those slots are free."""
        if not requirement and project is None:
            return max(0, connected_fleet().slots() - self.all_running)
        busy: dict[str, int] = {}
        for (worker, _, _), count in self.running.items():
            busy[worker] = busy.get(worker, 0) + count
        live_workers = eligible_workers(requirement=requirement, project=project)
        return sum(
            max(0, live_worker.slots - busy.get(live_worker.holder, 0)) for live_worker in live_workers
        )

    def room(self, requirement: str = "", *, eager: bool = True) -> int:
        """Return how many messages for a requirement set may go out now.

        Not ``eager``: zero until half the window is free, so that a busy system
        publishes in handfuls and does not plan for every single slot.
        """
        if requirement and not self.slots(requirement):
            return 0
        window = self._window(self.free_slots(requirement))
        free = window - self.queued_of(requirement)
        if not eager and free < window / 2:
            return 0
        return max(0, free)

    def grants(
        self,
        requirement: str,
        *,
        eager: bool = True,
        only: int | None = None,
        without: Collection[int] = (),
    ) -> list[Grant]:
        """Return whose messages for a requirement set may go out now, and how many of each project.

        ``only``: as if this project alone had ready tasks. ``without``: as if these had none.
        """
        if requirement and not self.slots(requirement):
            return []
        standings = self.standings(requirement, only=only, without=without)
        return grants(
            standings,
            slots=self.slots(requirement),
            room=self.room(requirement, eager=eager),
            most=self.places_by_capability(requirement),
        )

    def standings(
        self, requirement: str, *, only: int | None = None, without: Collection[int] = ()
    ) -> list[Standing]:
        """Return the projects that have work for those who can meet a requirement set, by key."""
        waiting = {key for each, key in self.waiting if each == requirement} if only is None else {only}
        waiting = {key for key in waiting - set(without) if self._is_served(requirement, key)}
        out = self._out_beside(requirement)
        return [
            Standing(
                project=key,
                weight=self._terms(key).weight,
                out=out.get(key, 0),
                ordinary=self.queued.get((requirement, key), 0) - self.express.get((requirement, key), 0),
                is_waiting=key in waiting,
                places=self._places(requirement, key),
            )
            for key in sorted(waiting | out.keys())
        ]

    def out_of(self, project: int) -> int:
        """Return how many tasks of a project are published or run."""
        queued = sum(count for (_, key), count in self.queued.items() if key == project)
        return queued + sum(count for (_, _, key), count in self.running.items() if key == project)

    def out_with(self, capability: str) -> int:
        """Return how many tasks that require a capability are published or run."""
        queued = sum(count for (each, _), count in self.queued.items() if capability in capabilities_of(each))
        running = (
            count for (_, each, _), count in self.running.items() if capability in capabilities_of(each)
        )
        return queued + sum(running)

    def places_by_capability(self, requirement: str) -> int | None:
        """Return how many more tasks the limits of capabilities leave a requirement set; None: any number."""
        limits = conf().capability_limits
        limited = sorted(capabilities_of(requirement) & limits.keys()) if limits else []
        left = [limits[each] - self.out_with(capability=each) for each in limited]
        return max(0, min(left)) if left else None

    def _out_beside(self, requirement: str) -> dict[int, int]:
        """Return by project what is out for, or runs on, those who can meet a requirement set."""
        holders = (
            {live_worker.holder for live_worker in eligible_workers(requirement=requirement)}
            if requirement
            else None
        )
        out: dict[int, int] = {}
        for (each, key), count in self.queued.items():
            if each == requirement:
                out[key] = out.get(key, 0) + count
        for (worker, _, key), count in self.running.items():
            if holders is None or worker in holders:
                out[key] = out.get(key, 0) + count
        return out

    def _is_served(self, requirement: str, project: int) -> bool:
        """Return whether some worker may do it; with no worker at all the first to come may."""
        return not connected_fleet().live_workers() or bool(
            eligible_workers(requirement=requirement, project=project)
        )

    def _places(self, requirement: str, project: int) -> int | None:
        left = []
        most = self._terms(project).max_parallel
        if most is not None:
            left.append(most - self.out_of(project=project))
        if any(live_worker.projects is not None for live_worker in connected_fleet().live_workers()):
            # Slots that it may not use are none of its window.
            window = self._window(self.free_slots(requirement, project=project))
            left.append(window - self.queued.get((requirement, project), 0))
        return max(0, min(left)) if left else None

    def _terms(self, project: int) -> Terms:
        return self.terms.get(project, Terms())

    def _window(self, free_slots: int) -> int:
        return max(conf().window_minimum, round(free_slots * conf().window_per_slot))


def take_snapshot() -> Snapshot:
    """Look at what is out, what runs and what waits, in one statement."""
    queued: dict[tuple[str, int], int] = {}
    express: dict[tuple[str, int], int] = {}
    running: dict[tuple[str, str, int], int] = {}
    waiting: list[tuple[str, int]] = []
    terms: dict[int, Terms] = {}
    for what, worker, requirement, project, weight, max_parallel, count in _LOOK.run():
        terms[project] = Terms(weight=weight, max_parallel=max_parallel)
        if what == "queued":
            key = requirement, project
            queued[key] = queued.get(key, 0) + int(count)
            if worker:
                express[key] = int(count)
        elif what == "running":
            running[worker, requirement, project] = int(count)
        else:
            waiting.append((requirement, project))
    return Snapshot(queued=queued, express=express, running=running, waiting=waiting, terms=terms)


def eligible_workers(*, requirement: str, project: int | None = None) -> list[LiveWorker]:
    """Return the living workers that can meet a requirement set; of a ``project``, those that serve it."""
    needed = capabilities_of(requirement)
    return [
        live_worker
        for live_worker in connected_fleet().live_workers()
        if live_worker.capabilities >= needed and (project is None or live_worker.serves(project=project))
    ]


def queue_project(project: int) -> int | None:
    """Return the project if a living worker is kept for it, so that it has queues of its own; else None."""
    is_kept = any(
        live_worker.projects is not None and project in live_worker.projects
        for live_worker in connected_fleet().live_workers()
    )
    return project if is_kept else None
