"""Measure what calls to Claude that wait for their answer cost a worker in memory, and print the table."""

import argparse
import json
import os
import statistics
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from tests.support.processes import PythonProgram, WorkerProcess
from tests.support.servers import Broker, private_directory, private_folder
from tests.support.waiting import wait_until

CALLS = (1, 50, 200)
WAIT_SECONDS = 3600
BROUGHT_ABOUT_SECONDS = 120.0
READINGS, BETWEEN_SECONDS = 7, 0.2
KIB = 1024
RULES = f"""\
rules:
  - when: {{contains: "wait for me"}}
    delay: {WAIT_SECONDS}
"""


@dataclass(frozen=True, kw_only=True)
class Point:
    """What a worker held while so many calls waited, its child processes included."""

    calls: int
    resident_bytes: int
    threads: int


class Answers(PythonProgram):
    """The rehearsal's Messages API; ready when it says its address."""

    def __init__(self, directory: Path) -> None:
        rules = directory / "rules.yaml"
        rules.write_text(RULES, encoding="utf-8")
        words = ["manage.py", "fake_claude", "--latency", "0", "--script", str(rules), "--json"]
        super().__init__(name="answers", directory=directory, arguments=words)

    def is_ready(self) -> bool:
        """Return whether it has said its address."""
        return bool(self.url)

    @property
    def url(self) -> str:
        """Where it listens; empty before it does."""
        for line in self.log_tail().splitlines():
            with suppress(ValueError):
                return str(json.loads(line)["url"])
        return ""

    def waiting(self) -> int:
        """Return how many callers are connected."""
        lines = psutil.Process(self.pid).net_connections("tcp")
        return sum(line.status == psutil.CONN_ESTABLISHED for line in lines)


def main() -> int:
    """Return the exit code."""
    options = parser().parse_args()
    with ExitStack() as stack:
        points = _measured(stack, sorted(set(options.calls)))
    _print(points)
    if options.json:
        facts = {
            "measure": "PSS" if _tells_shares() else "RSS",
            "points": [asdict(point) for point in points],
            "kib_per_additional_call": _per_call(points),
        }
        Path(options.json).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    made = argparse.ArgumentParser(prog="python -m tests.benchmarks.memory", description=__doc__)
    made.add_argument(
        "--calls",
        type=_numbers,
        default=list(CALLS),
        metavar="N,...",
        help=f"so many at once (default: {','.join(map(str, CALLS))})",
    )
    made.add_argument("--json", metavar="FILE", help="write the results to FILE, for machines")
    return made


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(each) for each in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise argparse.ArgumentTypeError(f"not numbers from 1 on, with commas: {text!r}")
    return numbers


def _measured(stack: ExitStack, calls: Sequence[int]) -> list[Point]:
    """Have one worker wait for more and more answers; return what it held each time."""
    directory = private_directory("cpds-bench-")
    stack.callback(rmtree, directory, ignore_errors=True)
    answers = _installed(stack, directory)
    worker = WorkerProcess(directory=directory, name="measured", concurrency=max(calls) + 1)
    stack.callback(worker.end)
    worker.start()
    _ask("warm-up", number=1)
    wait_until(lambda: _completed() == 1, timeout=BROUGHT_ABOUT_SECONDS, message="the warm-up")
    points = [_point(worker, calls=0)]
    connected_before = answers.waiting()
    asked = 0
    for number in calls:
        print(f"{number} waiting", file=sys.stderr, flush=True)
        _ask("wait for me", number=number - asked)
        asked = number
        # The connection of the warm-up may still be open, and then serves the first call.
        wait_until(
            lambda number=number: _running() == number and answers.waiting() >= max(number, connected_before),
            timeout=BROUGHT_ABOUT_SECONDS,
            message=f"{number} calls to wait",
        )
        points.append(_point(worker, calls=number))
    return points


def _installed(stack: ExitStack, directory: Path) -> Answers:
    """Start the servers, name them in the environment, and set Django up."""
    for name in [name for name in os.environ if name.startswith(("CPDS_", "ANTHROPIC_", "DATABASE_URL"))]:
        del os.environ[name]
    broker = Broker(private_folder(directory, "broker"))
    stack.callback(broker.end)
    broker.start()
    os.environ.update(
        CPDS_BROKER_URL=broker.url,
        CPDS_STATE_DIR=str(directory),
        DJANGO_SETTINGS_MODULE="config.settings.standalone",
        DATABASE_URL=f"sqlite:///{directory / 'db.sqlite3'}",
    )
    answers = Answers(directory=directory)
    stack.callback(answers.end)
    answers.start()
    os.environ["CPDS_REHEARSAL_URL"] = answers.url
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return answers


def _ask(prompt: str, *, number: int) -> None:
    from tasks_app.services.submit.loose import create_tasks

    task = {"run": "claude", "with": {"prompt": prompt}, "timeout": WAIT_SECONDS}
    create_tasks(tasks=[{**task, "title": f"{prompt} {place}"} for place in range(number)])


def _completed() -> int:
    return _tasks(status="completed")


def _running() -> int:
    return _tasks(status="running")


def _tasks(**which: str) -> int:
    from tasks_app.models import Task

    return Task.objects.filter(**which).count()


def _point(worker: PythonProgram, *, calls: int) -> Point:
    """Read several times, while the worker goes on with its heartbeats, and take the middle."""
    readings = []
    for _ in range(READINGS):
        threading.Event().wait(BETWEEN_SECONDS)
        readings.append(sum(_resident(each) for each in _family(worker.pid)))
    threads = sum(each.num_threads() for each in _family(worker.pid))
    return Point(calls=calls, resident_bytes=int(statistics.median(readings)), threads=threads)


def _family(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def _tells_shares() -> bool:
    return Path("/proc/self/smaps_rollup").exists()


def _resident(process: psutil.Process) -> int:
    """Return the bytes a process holds: its share of what it shares (PSS), where the system tells that."""
    if not _tells_shares():
        return int(process.memory_info().rss)
    rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii")
    [line] = [line for line in rollup.splitlines() if line.startswith("Pss:")]
    return int(line.split()[1]) * KIB


def _per_call(points: Sequence[Point]) -> float | None:
    """Return KiB for each call beyond the fewest that were measured; None when there is one number only."""
    first, last = points[1], points[-1]
    more = last.calls - first.calls
    return round((last.resident_bytes - first.resident_bytes) / KIB / more, 1) if more else None


def _print(points: Sequence[Point]) -> None:
    measure = "PSS" if _tells_shares() else "RSS"
    table = Table(title=f"Memory of a worker whose calls to Claude wait ({measure})", title_justify="left")
    for title in ("calls waiting", "MiB", "threads", "KiB per additional call"):
        table.add_column(title, justify="right")
    before: Point | None = None
    for point in points:
        grown: Any = "–"
        if before is not None and before.calls:
            grown = (
                f"{(point.resident_bytes - before.resident_bytes) / KIB / (point.calls - before.calls):.0f}"
            )
        table.add_row(str(point.calls), f"{point.resident_bytes / KIB / KIB:.1f}", str(point.threads), grown)
        before = point
    Console(width=None if sys.stdout.isatty() else 110).print(table)


if __name__ == "__main__":
    sys.exit(main())
