"""Measure CPDS, its speed beside bare Celery, and print the tables."""

import argparse
import json
import os
import platform
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.benchmarks import latency, measuring, scale
from tests.benchmarks.latency import LatencyResults
from tests.benchmarks.scale import ScaleResults
from tests.benchmarks.scale_tables import print_latency, print_scale
from tests.benchmarks.shapes import SHAPES
from tests.benchmarks.systems import BARE, POSTGRESQL, SQLITE, TITLES, System, systems
from tests.benchmarks.tables import print_results

ROUNDS = 3
INTERRUPTED = 130
PARTS = ("speed", "latency", "scale")
SMALLEST = 4


@dataclass
class Findings:
    """What the parts that were asked for have measured."""

    speed: measuring.Results
    latency: LatencyResults = field(default_factory=LatencyResults)
    scale: ScaleResults = field(default_factory=ScaleResults)

    @property
    def has_problems(self) -> bool:
        """Whether something could not be measured."""
        return bool(self.speed.problems or self.latency.problems or self.scale.problems)


def main() -> int:
    """Return the exit code."""
    options = parser().parse_args()
    databases = [options.db] if options.db else [SQLITE, POSTGRESQL]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    shapes = [SHAPES[key] for key in options.shapes]
    found = Findings(speed=measuring.Results(shapes, [BARE, *databases]))
    try:
        with systems(databases) as ready:
            _show_progress(_measure(ready, options, found), _steps_of(ready, options))
            # A second Ctrl-C must not leave anything running.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    _print(options.parts, found)
    if options.json:
        facts = {"machine": _machine(), **_as_json(options.parts, found)}
        written = json.dumps(facts, indent=2, ensure_ascii=False)
        Path(options.json).write_text(f"{written}\n", encoding="utf-8")
    return 1 if found.has_problems else 0


def _measure(
    ready: Sequence[System], options: argparse.Namespace, found: Findings
) -> Iterator[tuple[str, str]]:
    """Measure the parts; workers run only while they are what is measured."""
    if "speed" in options.parts:
        yield from measuring.measure(ready, options.shapes, _rounds(options), found.speed)
        for system in ready:
            system.worker.stop()
    if "latency" in options.parts:
        yield from latency.measure(ready, found.latency, quick=options.quick)
    if "scale" in options.parts:
        sizes, history = _sizes(options), options.history
        yield from scale.measure(
            ready, sizes, found.scale, history=history, quick=options.quick, seconds=options.seconds
        )


def _steps_of(ready: Sequence[System], options: argparse.Namespace) -> int:
    steps = {
        "speed": measuring.steps_of(ready, options.shapes, _rounds(options)),
        "latency": latency.steps_of(ready),
        "scale": scale.steps_of(ready, _sizes(options), history=options.history, quick=options.quick),
    }
    return sum(number for part, number in steps.items() if part in options.parts)


def _print(parts: Sequence[str], found: Findings) -> None:
    console = Console(width=None if sys.stdout.isatty() else 120)
    if "speed" in parts:
        print_results(console, found.speed)
    if "latency" in parts:
        print_latency(console, found.latency)
    if "scale" in parts:
        print_scale(console, found.scale)


def _as_json(parts: Sequence[str], found: Findings) -> dict[str, Any]:
    facts: dict[str, Any] = found.speed.as_json() if "speed" in parts else {}
    if "latency" in parts:
        facts["latency"] = found.latency.as_json()
    if "scale" in parts:
        facts["scale"] = found.scale.as_json()
    return facts


def _rounds(options: argparse.Namespace) -> int:
    return 1 if options.quick else ROUNDS


def _sizes(options: argparse.Namespace) -> Sequence[int]:
    chosen: Sequence[int] = options.sizes or (scale.QUICK_SIZES if options.quick else scale.SIZES)
    return chosen


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    made = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    made.add_argument(
        "parts",
        nargs="*",
        type=_part,
        default=PARTS,
        metavar="PART",
        help=f"only these, of {', '.join(PARTS)} (default: all)",
    )
    made.add_argument("--db", choices=[SQLITE, POSTGRESQL], help="only this database (default: both)")
    made.add_argument("--quick", action="store_true", help=f"one round instead of {ROUNDS}, and small sizes")
    made.add_argument("--json", metavar="FILE", help="write the results to FILE, for machines")
    made.add_argument(
        "--shapes",
        type=_shapes,
        default=list(SHAPES),
        metavar="SHAPE,...",
        help=f"speed: only these, of {', '.join(SHAPES)} (default: all)",
    )
    made.add_argument(
        "--sizes",
        type=_numbers,
        metavar="TASKS,...",
        help=f"scale: instances of so many tasks (default: {','.join(map(str, scale.SIZES))})",
    )
    made.add_argument(
        "--history",
        type=int,
        default=0,
        metavar="TASKS",
        help="scale: measure again beside so many finished tasks (default: 0, not again)",
    )
    made.add_argument(
        "--seconds",
        type=float,
        default=scale.POINT_SECONDS,
        help="scale: after this no further task of a point is claimed (default: %(default)g)",
    )
    return made


def _part(text: str) -> str:
    if text not in PARTS:
        raise argparse.ArgumentTypeError(f"no such part: {text!r}; there are {', '.join(PARTS)}")
    return text


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(each) for each in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < SMALLEST:
        raise argparse.ArgumentTypeError(f"not numbers from {SMALLEST} on, with commas: {text!r}")
    return numbers


def _shapes(text: str) -> list[str]:
    keys = [key.strip() for key in text.split(",") if key.strip()]
    unknown = sorted(set(keys) - set(SHAPES))
    if unknown or not keys:
        raise argparse.ArgumentTypeError(f"no such shape: {', '.join(unknown) or text!r}")
    return keys


def _show_progress(steps: Iterator[tuple[str, str]], total: int) -> None:
    """Drive the measurements, with a bar on a terminal and with lines elsewhere."""
    if not sys.stderr.isatty():
        for number, (what, system) in enumerate(steps, start=1):
            print(f"{number}/{total} {what}, {TITLES[system]}", file=sys.stderr, flush=True)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("Starting", total=total)
        for number, (what, system) in enumerate(steps):
            progress.update(bar, completed=number, description=f"{what}, {TITLES[system]}")


def _machine() -> dict[str, Any]:
    packages = ("celery", "django", "redis", "kombu", "psycopg")
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "platform": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


if __name__ == "__main__":
    sys.exit(main())
