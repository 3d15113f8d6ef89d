"""From the end of what a task needs to its start, on a worker that has nothing else to do."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.shapes import WARM_UP
from tests.benchmarks.systems import BARE, System

INSTANCES, QUICK_INSTANCES = 20, 4


@dataclass(frozen=True, kw_only=True)
class Waits:
    """Milliseconds that tasks waited, by the way they are started."""

    way: str
    ms: Sequence[float]

    def quantile(self, percent: int) -> float:
        """Return the wait that so many percent do not exceed."""
        return statistics.quantiles(self.ms, n=100, method="inclusive")[percent - 1]

    def as_json(self) -> dict[str, Any]:
        """Return the numbers, for machines."""
        return {
            "tasks": len(self.ms),
            "p50_ms": round(self.quantile(50), 1),
            "p95_ms": round(self.quantile(95), 1),
            "worst_ms": round(max(self.ms), 1),
        }


@dataclass
class LatencyResults:
    """What was measured, by system; memory is resident bytes of the worker, before and after."""

    waits: dict[str, list[Waits]] = field(default_factory=dict)
    memory: dict[str, tuple[int, int]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return everything for machines."""
        return {
            "systems": {
                system: {each.way: each.as_json() for each in found} for system, found in self.waits.items()
            },
            "worker_memory_bytes": self.memory,
            "problems": self.problems,
        }


def steps_of(systems: Sequence[System]) -> int:
    """Return how many steps ``measure`` will yield."""
    return len(systems) - 1


def measure(systems: Sequence[System], results: LatencyResults, *, quick: bool) -> Iterator[tuple[str, str]]:
    """Measure into ``results``, one system at a time; yield before each step what it is about and where."""
    for system in (each for each in systems if each.key != BARE):
        yield "latency", system.key
        try:
            system.worker.start()
            system.run(WARM_UP.key)
            before = system.worker_memory()
            results.waits[system.key] = system.waits(QUICK_INSTANCES if quick else INSTANCES)
            results.memory[system.key] = (before, system.worker_memory())
        except Exception as error:
            results.problems.append(f"latency on {system.key}: {error}")
        finally:
            system.worker.stop()
