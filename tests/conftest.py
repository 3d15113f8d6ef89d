"""The fixtures every test may ask for, and the marks that folders give."""

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.db import connection

from tests.support.database import url_of_test_database
from tests.support.plugin import POSTGRESQL, SQLITE, Installation
from tests.support.plugin import installation as installation_of
from tests.support.processes import BeatProcess, WorkerProcess
from tests.support.program import Program
from tests.support.servers import Broker, PostgreSQL

if TYPE_CHECKING:
    from tests.support.shared_worker import SharedWorker

# What is not about SQL: words, screens, processes, roles. Services, lists and whatever meets in the database
# run on both.
ANY_DATABASE = (
    "admin",
    "api/access",
    "api/conventions/test_bodies.py",
    "api/conventions/test_conventions.py",
    "api/conventions/test_health_detailed.py",
    "api/conventions/test_no_secret_is_told.py",
    "api/conventions/test_real_server.py",
    "api/workflows",
    "architecture",
    "broker/test_autoscale.py",
    "broker/test_refusals_to_start.py",
    "broker/test_worker_and_beat_processes.py",
    "cli",
    "deploy",
    "docs",
    "standalone",
    "unit",
    "web/test_server.py",
)
BOTH_DATABASES = (
    "admin/test_every_page_answers.py",
    "admin/test_lists_stay_lean.py",
    "cli/test_instance_lists.py",
)
SLOW_FOLDERS = ("broker", "races", "standalone")
PROGRAMS = pytest.StashKey[list[Program]]()
HAS_FAILED = pytest.StashKey[bool]()
HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run what does not depend on the kind of database on SQLite only, and what is slow first."""
    for item in items:
        if _is_in(item, ANY_DATABASE) and not _is_in(item, BOTH_DATABASES):
            item.add_marker("any_database")
    items.sort(key=lambda item: not (item.get_closest_marker("slow") or _is_in(item, SLOW_FOLDERS)))
    if config.getoption("db") == SQLITE:
        return
    left_out = [item for item in items if item.get_closest_marker("any_database")]
    items[:] = [item for item in items if not item.get_closest_marker("any_database")]
    config.hook.pytest_deselected(items=left_out)


def _is_in(item: pytest.Item, places: Iterable[str]) -> bool:
    return any(item.path.is_relative_to(HERE / place) for place in places)


def pytest_xdist_auto_num_workers() -> int:
    """Return what ``-n auto`` means: much of a test is waiting for a program that starts."""
    return 2 * len(os.sched_getaffinity(0))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Show the logs of a failed test's processes."""
    report = yield
    if report.failed:
        item.stash[HAS_FAILED] = True
        for program in item.stash.get(PROGRAMS, []):
            report.sections.append(
                (f"log of {program.name} (exit code {program.exit_code})", program.log_tail())
            )
    return report


@pytest.fixture(scope="session")
def installation(pytestconfig: pytest.Config) -> Installation:
    """The servers and directories of this test process."""
    return installation_of(pytestconfig)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    installation: Installation, django_db_modify_db_settings_parallel_suffix: None
) -> None:
    """Keep a SQLite test database in a file: in memory, no other process would see it."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database.setdefault("TEST", {})["NAME"] = str(installation.sqlite_file)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """Make the test database, and name it to the programs that tests start."""
    os.environ["DATABASE_URL"] = url_of_test_database(connection.settings_dict)


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """Forget what this process remembers of rows: their keys come again in the next test."""
    from tasks_app.services.attempts.claims import forget_instances

    forget_instances()


@pytest.fixture
def database_url(transactional_db: None) -> str:
    """The URL of the test database, whose committed rows other processes see."""
    return os.environ["DATABASE_URL"]


@pytest.fixture
def postgresql_server(installation: Installation) -> PostgreSQL:
    """The PostgreSQL server under the tests, for those that restart it; skips where they did not start it."""
    if installation.postgresql is None:
        pytest.skip(f"needs --db={POSTGRESQL} and a server of the tests' own")
    return installation.postgresql


@pytest.fixture(scope="session")
def worker_of_many(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[SharedWorker]":
    """The worker behind ``shared_worker``."""
    from tests.support.shared_worker import SharedWorker

    shared = SharedWorker(tmp_path_factory.mktemp("shared"))
    yield shared
    shared.end()


@pytest.fixture
def broker(
    installation: Installation, worker_of_many: "SharedWorker", request: pytest.FixtureRequest
) -> Iterator[Broker]:
    """The broker, running and empty. Afterwards it runs again, whatever the test did to it."""
    server = installation.broker
    if "shared_worker" in request.fixturenames:
        server.empty()
        yield server
        return
    worker_of_many.end()
    server.flush()
    yield server
    server.thaw()
    if not server.is_running:
        server.start()
        _forget_broker_connections()
    server.flush()


def _forget_broker_connections() -> None:
    import kombu.pools

    from cpds.celery import app

    kombu.pools.reset()
    app._after_fork()


@pytest.fixture
def ended_after_test(request: pytest.FixtureRequest) -> Iterator[Callable[[Program], Program]]:
    """Take programs in charge: their logs are shown when the test fails, and they end with it."""
    programs = request.node.stash.setdefault(PROGRAMS, [])

    def take(program: Program) -> Program:
        programs.append(program)
        return program

    yield take
    for program in programs:
        program.end()


@pytest.fixture
def celery_worker_process(
    broker: Broker, database_url: str, ended_after_test: Callable[[Program], Program], tmp_path: Path
) -> Callable[..., WorkerProcess]:
    """Start worker processes: ``celery_worker_process(name="w1", concurrency=4, env={...}, wait=True)``."""

    def started(*, wait: bool = True, **options: Any) -> WorkerProcess:
        worker = WorkerProcess(directory=tmp_path, **options)
        ended_after_test(worker)
        worker.start(wait=wait)
        return worker

    return started


@pytest.fixture
def shared_worker(
    broker: Broker, database_url: str, worker_of_many: "SharedWorker", request: pytest.FixtureRequest
) -> Iterator[Callable[..., WorkerProcess]]:
    """A worker with four slots that tests which leave it alone share: ``shared_worker(env={...})``."""

    def lent(*, env: Mapping[str, object]) -> WorkerProcess:
        worker = worker_of_many.lend(env=env)
        request.node.stash[PROGRAMS] = [worker]
        return worker

    yield lent
    worker_of_many.take_back(unharmed=HAS_FAILED not in request.node.stash)


@pytest.fixture
def celery_beat_process(
    broker: Broker, database_url: str, ended_after_test: Callable[[Program], Program], tmp_path: Path
) -> Callable[..., BeatProcess]:
    """Start celery-beat processes: ``celery_beat_process(name="beat", env={...}, wait=True)``."""

    def started(*, wait: bool = True, **options: Any) -> BeatProcess:
        beat = BeatProcess(directory=tmp_path, **options)
        ended_after_test(beat)
        beat.start(wait=wait)
        return beat

    return started
