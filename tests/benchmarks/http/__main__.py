"""Measure the hot endpoints of the API and print the table."""

import argparse
import json
import os
import socket
import statistics
import sys
from contextlib import ExitStack
from pathlib import Path
from shutil import rmtree
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.http.load import Ask, Measured, measure
from tests.support.processes import PythonProgram
from tests.support.servers import Broker, private_directory, private_folder

ASGI, DJANGO = "bare ASGI application", "bare Django view"
UNLIMITED = str(10**9)
REQUESTS, WARM_UP, ROUNDS = 1000, 100, 3


class Site(PythonProgram):
    """The applications of ``site.py`` on uvicorn, as ``manage.py server start`` starts it."""

    def __init__(self, directory: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        words = ["-m", "uvicorn", "tests.benchmarks.http.site:application", "--port", str(self.port)]
        super().__init__(
            name="site", directory=directory, arguments=[*words, "--ws", "none", "--no-access-log"]
        )

    def is_ready(self) -> bool:
        """Return whether it takes connections."""
        with socket.socket() as line:
            return line.connect_ex(("127.0.0.1", self.port)) == 0


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.http", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"one round instead of {ROUNDS}")
    parser.add_argument("--json", metavar="FILE", help="write the results to FILE, for machines")
    options = parser.parse_args()
    rounds = 1 if options.quick else ROUNDS
    with ExitStack() as stack:
        port, endpoints = _started(stack, rounds)
        results: dict[str, list[Measured]] = {title: [] for title in endpoints}
        for title, ask in endpoints.items():
            measure(port=port, ask=ask, count=WARM_UP)
            print(f"warm: {title}", file=sys.stderr)
        for number in range(rounds):
            for title, ask in endpoints.items():
                results[title].append(measure(port=port, ask=ask, count=REQUESTS))
                print(f"round {number + 1}: {title}", file=sys.stderr)
    table = {title: _median(found) for title, found in results.items()}
    _print(table)
    if options.json:
        facts = {title: vars(found) for title, found in table.items()}
        Path(options.json).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return 0


def _started(stack: ExitStack, rounds: int) -> tuple[int, dict[str, Ask]]:
    """Start servers, make rows, and return the port and what to ask."""
    directory = private_directory("cpds-bench-")
    stack.callback(rmtree, directory, ignore_errors=True)
    broker = Broker(private_folder(directory, "broker"))
    stack.callback(broker.end)
    broker.start()
    os.environ.update(
        CPDS_BROKER_URL=broker.url,
        CPDS_STATE_DIR=str(directory),
        DJANGO_SETTINGS_MODULE="tests.benchmarks.http.settings",
        DATABASE_URL=f"sqlite:///{directory / 'db.sqlite3'}",
        CPDS_REQUESTS_PER_MINUTE=UNLIMITED,  # counted all the same
        CPDS_WORKER_REQUESTS_PER_MINUTE=UNLIMITED,
    )
    import django

    django.setup()
    from tests.benchmarks.http.endpoints import hot_endpoints

    endpoints = hot_endpoints(WARM_UP + rounds * REQUESTS)
    site = Site(directory=directory)
    stack.callback(site.end)
    site.start()
    return site.port, endpoints


def _median(found: list[Measured]) -> Measured:
    def middle(name: str) -> float:
        return round(statistics.median(getattr(each, name) for each in found), 2)

    return Measured(per_second=middle("per_second"), p50_ms=middle("p50_ms"), p99_ms=middle("p99_ms"))


def _print(results: dict[str, Measured]) -> None:
    table = Table(title="Requests per second", title_justify="left")
    table.add_column("endpoint")
    for title in ("requests/s", "p50 ms", "p99 ms", "× Django", "× ASGI"):
        table.add_column(title, justify="right")
    django, asgi = results[DJANGO].per_second, results[ASGI].per_second
    for title, each in results.items():
        cells: list[Any] = [f"{each.per_second:.0f}", f"{each.p50_ms:.1f}", f"{each.p99_ms:.1f}"]
        table.add_row(title, *cells, f"{each.per_second / django:.2f}", f"{each.per_second / asgi:.3f}")
    Console(width=None if sys.stdout.isatty() else 110).print(table)


if __name__ == "__main__":
    sys.exit(main())
