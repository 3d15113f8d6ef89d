"""The order of the measurements: everything once, then everything again, so that a busy spell hits all."""

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.shapes import SHAPES, WARM_UP, Shape
from tests.benchmarks.systems import BARE, System

BUDGET_SECONDS = 200
"""After this no further round is begun; the table says how many there were."""


@dataclass
class Results:
    """What was measured, by shape and system."""

    shapes: Sequence[Shape]
    systems: Sequence[str]
    seconds: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    statements: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def speed(self, shape: Shape, system: str) -> float | None:
        """Return the median of the steps per second; None when no run ended."""
        runs = self.seconds.get((shape.key, system))
        return shape.steps / statistics.median(runs) if runs else None

    def ratio(self, shape: Shape, system: str) -> float | None:
        """Return the speed as a multiple of bare Celery's."""
        own, bare = self.speed(shape, system), self.speed(shape, BARE)
        return own / bare if own and bare else None

    def as_json(self) -> dict[str, Any]:
        """Return everything for machines."""
        return {
            "shapes": {
                shape.key: {
                    "title": shape.title,
                    "steps": shape.steps,
                    "systems": {system: self._cell(shape, system) for system in self.systems},
                }
                for shape in self.shapes
            },
            "problems": self.problems,
        }

    def _cell(self, shape: Shape, system: str) -> dict[str, Any]:
        speed, ratio = self.speed(shape, system), self.ratio(shape, system)
        return {
            "steps_per_second": speed and round(speed, 1),
            "times_bare": ratio and round(ratio, 3),
            "seconds": [round(each, 4) for each in self.seconds.get((shape.key, system), [])],
            "sql": self.statements.get((shape.key, system)),
        }


def steps_of(systems: Sequence[System], shapes: Sequence[str], rounds: int) -> int:
    """Return how many steps ``measure`` will yield at most."""
    counted = len(systems) - 1
    return counted * len(shapes) + len(systems) + rounds * len(shapes) * len(systems)


def measure(
    systems: Sequence[System], shapes: Sequence[str], rounds: int, results: Results
) -> Iterator[tuple[str, str]]:
    """Measure into ``results``; yield before each step what it is about and for which system."""
    started = time.monotonic()
    yield from _count(systems, shapes, results)
    for system in systems:
        yield "worker and warm-up", system.key
        system.worker.start()
        system.run(WARM_UP.key)
    longest = 0.0
    for _ in range(rounds):
        began = time.monotonic()
        if began - started + longest > BUDGET_SECONDS:
            results.problems.append("Out of time: some rounds were left out.")
            return
        for shape in shapes:
            for system in systems:
                yield SHAPES[shape].title, system.key
                _run(system, shape, results)
        longest = time.monotonic() - began


def _count(systems: Sequence[System], shapes: Sequence[str], results: Results) -> Iterator[tuple[str, str]]:
    """Count on all databases at once; no worker runs yet, which could join in."""
    futures = {
        (shape, system.key): system.count(shape)
        for shape in shapes
        for system in systems
        if system.key != BARE
    }
    for (shape, system), future in futures.items():
        yield f"SQL of {SHAPES[shape].title}", system
        try:
            results.statements[shape, system] = future.result()
        except Exception as error:
            results.problems.append(f"SQL of {shape} on {system}: {error}")


def _run(system: System, shape: str, results: Results) -> None:
    try:
        seconds = system.run(shape)
    except Exception as error:
        results.problems.append(f"{shape} on {system.key}: {error}")
    else:
        results.seconds.setdefault((shape, system.key), []).append(seconds)
