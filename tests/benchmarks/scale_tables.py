"""What the parts on latency and scale print."""

from rich.console import Console
from rich.table import Table

from tests.benchmarks.latency import LatencyResults
from tests.benchmarks.scale import ScaleResults
from tests.benchmarks.systems import TITLES

MEGABYTE = 1_000_000
LATENCY_NOTE = "From the end of the last task that is needed to the start, by the record; nothing else runs."
SCALE_NOTES = (
    "One process submits and runs the tasks; only the broker is played. Submitting is of all instances.",
    "CPU time: this process and its database session. On a busy machine trust it and the statements.",
    "A point cut short (tasks run: n of m) shows only its beginning, which is dearer than the whole.",
)


def print_latency(console: Console, results: LatencyResults) -> None:
    """Print how long tasks waited, and the worker's memory."""
    table = Table(title="Milliseconds from ready to started", title_justify="left")
    for title in ("database", "way"):
        table.add_column(title)
    for title in ("tasks", "p50", "p95", "worst"):
        table.add_column(title, justify="right")
    for system, found in results.waits.items():
        for each in found:
            numbers = (each.quantile(50), each.quantile(95), max(each.ms))
            table.add_row(TITLES[system], each.way, str(len(each.ms)), *(f"{ms:.1f}" for ms in numbers))
    console.print(table)
    for system, (before, after) in results.memory.items():
        told = f"{TITLES[system]}: worker {_megabytes(before)} MB resident, afterwards {_megabytes(after)}."
        console.print(told, highlight=False)
    _notes(console, LATENCY_NOTE, *results.problems)


def print_scale(console: Console, results: ScaleResults) -> None:
    """Print what tasks cost at every point, and the memory of the process."""
    table = Table(title="Scale", title_justify="left")
    for title in ("database", "point"):
        table.add_column(title)
    for title in (
        "tasks\nrun", "upload\ns", "submit\nCPU s", "submit\ns", "statements\nper task", "CPU ms\nper task",
        "ms\nper task", "MB before →\nsubmitted → run",
    ):  # fmt: skip
        table.add_column(title, justify="right")
    for (title, system), cost in results.costs.items():
        run = cost.run.per(cost.completed)
        memory = (cost.memory_before, cost.memory_submitted, cost.memory_after)
        table.add_row(
            TITLES[system].rpartition(" ")[2],
            title,
            f"{cost.completed:,}" + (f"\nof {cost.tasks:,}" if cost.completed < cost.tasks else ""),
            f"{cost.upload.wall_seconds:.2f}",
            f"{cost.submit.cpu_seconds:.2f}",
            f"{cost.submit.wall_seconds:.2f}",
            f"{run['statements']:.1f}",
            f"{run['cpu_ms']:.1f}",
            f"{run['wall_ms']:.1f}",
            " → ".join(_megabytes(each) for each in memory),
        )
    console.print(table)
    _notes(console, *SCALE_NOTES, *results.problems)


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:.0f}"


def _notes(console: Console, *notes: str) -> None:
    for note in notes:
        console.print(note, highlight=False, markup=False)
