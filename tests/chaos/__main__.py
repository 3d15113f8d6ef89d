"""Commit faults against real workers, beats, broker and database, and prove that nothing was lost."""

import argparse
import json
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.chaos.plan import MODES
from tests.chaos.report import as_json, print_result
from tests.chaos.run import Options, Tell, run

INTERRUPTED = 130
WIDTH = 120


def main() -> int:
    """Return the exit code: 0, 1 when anything was wrong, 130 when interrupted."""
    given = parser().parse_args()
    seed = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    print(f"seed {seed}", file=sys.stderr, flush=True)
    if given.mode is None:
        return _run_each_mode(given, seed)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = Options(
        mode=given.mode,
        seed=seed,
        seconds=given.seconds,
        workers=given.workers,
        heartbeat_seconds=given.heartbeat,
        spacing=given.spacing,
        deaths=given.recovery,
        logs=given.logs and given.logs / given.mode,
    )
    try:
        with _telling() as tell:
            result = run(options, tell)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    if given.json:
        print(json.dumps({"runs": [as_json(result)]}, indent=2, ensure_ascii=False))
    else:
        print_result(Console(width=None if sys.stdout.isatty() else WIDTH), result)
    return 1 if result.wrong else 0


def _run_each_mode(given: argparse.Namespace, seed: int) -> int:
    """Run once in each mode, in a process of its own: the settings of a process cannot change."""
    runs: list[Any] = []
    codes = []
    for mode in MODES:
        arguments = [
            *("--mode", mode, "--seed", str(seed), "--seconds", str(given.seconds)),
            *("--workers", str(given.workers), "--heartbeat", str(given.heartbeat)),
            *("--spacing", str(given.spacing), "--recovery", str(given.recovery)),
            *(("--logs", str(given.logs)) if given.logs else ()),
        ]
        asked = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos", *arguments, *(["--json"] if given.json else [])],
            stdout=subprocess.PIPE if given.json else None,
        )
        try:
            told, _ = asked.communicate()
        except KeyboardInterrupt:  # it went to the child as well, which cleans up behind itself
            asked.wait()
            return INTERRUPTED
        codes.append(asked.returncode)
        if told:
            runs += json.loads(told)["runs"]
    if given.json:
        print(json.dumps({"runs": runs}, indent=2, ensure_ascii=False))
    return max(codes)


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    made = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    made.add_argument("--mode", choices=MODES, help="standalone: SQLite; cloud: PostgreSQL (default: both)")
    made.add_argument(
        "--seconds", type=_span, default=300.0, help="how long faults are committed; default 300"
    )
    made.add_argument("--seed", type=int, help="replays the plan of faults that was printed with it")
    made.add_argument("--workers", type=_count, default=3, help="worker processes; default 3")
    made.add_argument(
        "--heartbeat", type=_span, default=1.0, help="seconds between heartbeats of a worker; default 1"
    )
    made.add_argument("--spacing", type=_span, default=5.0, help="mean seconds between faults; default 5")
    made.add_argument(
        "--recovery",
        type=int,
        default=20,
        metavar="N",
        help="then kill a worker N times and measure until its task runs again; default 20, 0: not at all",
    )
    made.add_argument(
        "--logs", type=Path, metavar="DIR", help="leave the logs of workers and beats there, by mode"
    )
    made.add_argument("--json", action="store_true", help="print one JSON document, for machines")
    return made


def _span(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"not a time: {text}")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 2:
        raise argparse.ArgumentTypeError("at least 2: one has to go on when the other is killed")
    return value


@contextmanager
def _telling() -> Iterator[Tell]:
    """Yield what shows the progress: a bar on a terminal, elsewhere a line for each new thing."""
    if not sys.stderr.isatty():
        yield lambda fraction, what: print(f"{fraction:4.0%} {what}", file=sys.stderr) if what else None
        return
    columns = (
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=1.0)

        def tell(fraction: float, what: str) -> None:
            progress.update(bar, completed=fraction, **({"description": what} if what else {}))

        yield tell


if __name__ == "__main__":
    sys.exit(main())
