"""Measure CPDS beside bare Celery and print the tables."""

import argparse
import json
import os
import platform
import signal
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.benchmarks.measuring import Results, measure, steps_of
from tests.benchmarks.shapes import SHAPES
from tests.benchmarks.systems import BARE, POSTGRESQL, SQLITE, TITLES, systems
from tests.benchmarks.tables import print_results

ROUNDS = 3
INTERRUPTED = 130


def main() -> int:
    """Return the exit code."""
    options = _parser().parse_args()
    databases = [options.db] if options.db else [SQLITE, POSTGRESQL]
    rounds = 1 if options.quick else ROUNDS
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    results = Results([SHAPES[key] for key in options.shapes], [BARE, *databases])
    try:
        with systems(databases) as ready:
            steps = measure(ready, options.shapes, rounds, results)
            _show_progress(steps, steps_of(ready, options.shapes, rounds))
            # A second Ctrl-C must not leave anything running.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    print_results(Console(width=None if sys.stdout.isatty() else 120), results)
    if options.json:
        written = json.dumps({"machine": _machine(), **results.as_json()}, indent=2, ensure_ascii=False)
        Path(options.json).write_text(f"{written}\n", encoding="utf-8")
    return 1 if results.problems else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--db", choices=[SQLITE, POSTGRESQL], help="only this database (default: both)")
    parser.add_argument("--quick", action="store_true", help=f"one round instead of {ROUNDS}")
    parser.add_argument("--json", metavar="FILE", help="write the results to FILE, for machines")
    parser.add_argument(
        "--shapes",
        type=_shapes,
        default=list(SHAPES),
        metavar="SHAPE,...",
        help=f"only these, of {', '.join(SHAPES)} (default: all)",
    )
    return parser


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
