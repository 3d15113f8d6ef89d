"""The systems that are measured side by side: their servers, their workers and their drivers."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any

import psutil

from tests.benchmarks import bare_driver, cpds_driver
from tests.benchmarks.driver import Driver
from tests.support.processes import PythonProgram, WorkerProcess
from tests.support.servers import Broker, PostgreSQL, private_directory, private_folder

if TYPE_CHECKING:
    from tests.benchmarks.latency import Waits
    from tests.benchmarks.scale import Cost, Point

BARE, SQLITE, POSTGRESQL = "bare", "sqlite", "postgresql"
TITLES = {BARE: "bare Celery", SQLITE: "CPDS on SQLite", POSTGRESQL: "CPDS on PostgreSQL"}
CONCURRENCY = 8
UNWANTED = ("CPDS_", "ANTHROPIC_", "DJANGO_", "CELERY_", "DATABASE_URL")


class Cluster(PostgreSQL):
    """A PostgreSQL that keeps its promises: every commit reaches the disk."""

    server_settings = tuple(
        each
        for each in PostgreSQL.server_settings
        if not each.startswith(("fsync=", "full_page_writes=", "synchronous_commit="))
    )


class BareWorker(WorkerProcess):
    """A worker of the bare application, started just as CPDS's are."""

    def command(self) -> list[str]:
        """Return the command line that runs the program in the foreground."""
        return [word if word != "cpds" else "tests.benchmarks.bare_celery" for word in super().command()]


@dataclass(frozen=True)
class System:
    """One system, ready to be measured."""

    key: str
    driver: Driver
    worker: PythonProgram

    def run(self, shape: str) -> float:
        """Run a shape from first to last; return the seconds."""
        act: Callable[[str], float] = bare_driver.run if self.key == BARE else cpds_driver.run
        return float(self.driver.start(act, shape).result())

    def count(self, shape: str) -> "Future[dict[str, Any]]":
        """Count the SQL statements of a shape."""
        return self.driver.start(cpds_driver.count, shape)

    def cost(self, point: "Point", seconds: float) -> "Cost":
        """Measure what a point costs, running its tasks for so many seconds at most."""
        found: Cost = self.driver.start(cpds_driver.cost, point, seconds).result()
        return found

    def write_past(self, tasks: int) -> None:
        """Write so many finished tasks into the database."""
        self.driver.start(cpds_driver.write_past, tasks).result()

    def waits(self, instances: int) -> "list[Waits]":
        """Measure how long tasks wait for their turn."""
        found: list[Waits] = self.driver.start(cpds_driver.waits, instances).result()
        return found

    def worker_memory(self) -> int:
        """Return the resident bytes of the worker."""
        return int(psutil.Process(self.worker.pid).memory_info().rss)


@contextmanager
def systems(databases: Sequence[str]) -> Iterator[list[System]]:
    """Start servers and drivers, and end all of it afterwards. The workers are not started yet."""
    for name in [name for name in os.environ if name.startswith(UNWANTED)]:
        del os.environ[name]
    directory = private_directory("cpds-bench-")
    directory.chmod(0o711)  # another account may own the database server's part of it
    with ExitStack() as stack:
        stack.callback(rmtree, directory, ignore_errors=True)
        broker = Broker(private_folder(directory, "broker"))
        stack.callback(broker.end)
        broker.start()
        made = []
        for number, key in enumerate((BARE, *databases)):
            env = {"CPDS_BROKER_URL": broker.url.replace("virtual_host=0", f"virtual_host={number}")}
            if key != BARE:
                env |= _installation(key, directory, stack)
            driver = Driver(env, bare_driver.prepare if key == BARE else cpds_driver.prepare)
            stack.callback(driver.end)
            kind = BareWorker if key == BARE else WorkerProcess
            worker = kind(directory=directory, name=key, concurrency=CONCURRENCY, env=env)
            stack.callback(worker.end)
            made.append(System(key, driver, worker))
        for system in made:
            system.driver.wait_until_ready()
        yield made


def _installation(key: str, directory: Path, stack: ExitStack) -> dict[str, str]:
    """Return the environment of an installation of CPDS on this kind of database, in the mode fit for it."""
    common = {
        "CPDS_STATE_DIR": str(private_folder(directory, f"state-{key}")),
        "CPDS_FUNCTION_MODULES": "tests.support.functions_for_tests",
    }
    if key == SQLITE:
        return {
            **common,
            "DJANGO_SETTINGS_MODULE": "config.settings.standalone",
            "DATABASE_URL": f"sqlite:///{directory / 'db.sqlite3'}",
        }
    server = Cluster(private_folder(directory, "postgresql"))
    stack.callback(server.stop)
    server.start()
    with server.connection() as connection:
        connection.execute("CREATE DATABASE cpds")
    return {
        **common,
        "DJANGO_SETTINGS_MODULE": "config.settings.cloud",
        "CPDS_MODE": "cloud",
        "SECRET_KEY": "only-for-benchmarks-" + "0" * 50,
        "DATABASE_URL": server.url,
    }
