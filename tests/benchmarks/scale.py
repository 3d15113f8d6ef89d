"""What a task costs in large instances, in many, in wide ones, and beside a long past.

The tasks run in one process with the broker played (``statements.py``): workers on a busy machine
would measure the machine. CPU time is that of the process and of its database session together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.systems import BARE, System
from tests.support.builders import Task, a_fan, diamonds

SIZES = (100, 1_000, 10_000)
QUICK_SIZES = (100, 1_000)
FAN_WIDTH, QUICK_FAN_WIDTH = 2_000, 200
INSTANCES, QUICK_INSTANCES = 1_000, 50
INSTANCE_SIZE = 10
POINT_SECONDS = 180.0
"""After this no further task of a point is claimed; the table says how many ran."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """So many instances of a graph."""

    title: str
    shape: str
    size: int
    """Tasks of an instance."""
    instances: int = 1

    @property
    def name(self) -> str:
        """The workflow's name."""
        return f"scale-{self.shape}-{self.size}"

    def tasks(self) -> list[Task]:
        """Return the tasks of the workflow."""
        return a_fan(self.size - 2) if self.shape == "fan" else diamonds(self.size // 4)


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What an act took."""

    statements: int
    cpu_seconds: float
    wall_seconds: float

    def per(self, tasks: int) -> dict[str, float]:
        """Return statements and milliseconds for each of so many tasks."""
        return {
            "statements": round(self.statements / max(tasks, 1), 2),
            "cpu_ms": round(1000 * self.cpu_seconds / max(tasks, 1), 3),
            "wall_ms": round(1000 * self.wall_seconds / max(tasks, 1), 3),
        }


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a point took, and the resident memory of the process in bytes."""

    tasks: int
    completed: int
    upload: Spent
    submit: Spent
    run: Spent
    memory_before: int
    memory_submitted: int
    memory_after: int

    def as_json(self) -> dict[str, Any]:
        """Return everything for machines."""
        return {
            "tasks": self.tasks,
            "completed": self.completed,
            "upload": vars(self.upload),
            "submit": vars(self.submit),
            "run": vars(self.run),
            "submit_per_task": self.submit.per(self.tasks),
            "run_per_task": self.run.per(self.completed),
            "memory_bytes": [self.memory_before, self.memory_submitted, self.memory_after],
        }


@dataclass
class ScaleResults:
    """What was measured, by title and system."""

    costs: dict[tuple[str, str], Cost] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return everything for machines."""
        found: dict[str, dict[str, Any]] = {}
        for (title, system), cost in self.costs.items():
            found.setdefault(title, {})[system] = cost.as_json()
        return {"points": found, "problems": self.problems}


def points(sizes: Sequence[int], *, quick: bool) -> list[Point]:
    """Return what to measure: instances of these sizes, a wide one, and many."""
    width, many = (QUICK_FAN_WIDTH, QUICK_INSTANCES) if quick else (FAN_WIDTH, INSTANCES)
    return [
        *(Point(title=f"1 instance of {size:,}", shape="diamonds", size=size) for size in sizes),
        Point(title=f"fan 1 → {width:,} → 1", shape="fan", size=width + 2),
        Point(
            title=f"{many:,} instances of {INSTANCE_SIZE}",
            shape="fan",
            size=INSTANCE_SIZE,
            instances=many,
        ),
    ]


def again(sizes: Sequence[int], history: int) -> list[Point]:
    """Return what to measure once more beside so many finished tasks."""
    return [
        Point(title=f"1 instance of {size:,}, past of {history:,}", shape="diamonds", size=size)
        for size in sizes
    ]


def steps_of(systems: Sequence[System], sizes: Sequence[int], *, history: int, quick: bool) -> int:
    """Return how many steps ``measure`` will yield."""
    past = 1 + len(sizes) if history else 0
    return (len(systems) - 1) * (len(points(sizes, quick=quick)) + past)


def measure(
    systems: Sequence[System],
    sizes: Sequence[int],
    results: ScaleResults,
    *,
    history: int,
    quick: bool,
    seconds: float = POINT_SECONDS,
) -> Iterator[tuple[str, str]]:
    """Measure into ``results``; yield before each step what it is about and for which system."""
    for system in (each for each in systems if each.key != BARE):
        yield from _measure(system, points(sizes, quick=quick), seconds, results)
        if history:
            yield f"writing {history:,} finished tasks", system.key
            try:
                system.write_past(history)
            except Exception as error:
                results.problems.append(f"history on {system.key}: {error}")
                continue
            yield from _measure(system, again(sizes, history), seconds, results)


def _measure(
    system: System, chosen: Sequence[Point], seconds: float, results: ScaleResults
) -> Iterator[tuple[str, str]]:
    for point in chosen:
        yield point.title, system.key
        try:
            results.costs[point.title, system.key] = system.cost(point, seconds)
        except Exception as error:
            results.problems.append(f"{point.title} on {system.key}: {error}")
