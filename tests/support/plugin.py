"""Servers and settings of a test run, ready before Django reads its settings.

Loaded by ``-p tests.support.plugin``. Every process that runs tests has a broker, a
database server (with ``--db=postgresql``) and a state directory of its own; they are
named in the environment, so that the programs which tests start inherit them.
"""

import atexit
import contextlib
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers import Broker, PostgreSQL, private_directory, private_folder

SQLITE, POSTGRESQL = "sqlite", "postgresql"
THIS_PLUGIN = "tests.support.plugin"
IN_FORCE = pytest.StashKey["Installation"]()


class Installation:
    """The servers and directories of one test process."""

    def __init__(self, database: str) -> None:
        self.database = database
        self.directory = private_directory()
        self.state = private_folder(self.directory, "state")
        self.broker = Broker(private_folder(self.directory, "broker"))
        self.postgresql: PostgreSQL | None = None

    def start(self) -> None:
        """Start the servers and name them in the environment."""
        atexit.register(self.stop)
        self.broker.start()
        os.environ.update(
            DATABASE_URL=self._database_url(),
            CPDS_BROKER_URL=self.broker.url,
            CPDS_STATE_DIR=str(self.state),
            DJANGO_SETTINGS_MODULE="config.settings.test",
            CPDS_FUNCTION_MODULES="tests.support.functions_for_tests",
        )
        for name in ("CPDS_RESULT_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"):
            os.environ.pop(name, None)

    def _database_url(self) -> str:
        if self.database == SQLITE:
            return f"sqlite:///{self.directory / 'db.sqlite3'}"
        given = os.environ.get("CPDS_TEST_DATABASE_URL")
        if given:
            return given
        # Another account may own this directory, and then has to reach it.
        self.directory.chmod(0o711)
        self.postgresql = PostgreSQL(private_folder(self.directory, "postgresql"))
        self.postgresql.start()
        return self.postgresql.url

    @property
    def sqlite_file(self) -> Path:
        """The file of the test database, when it is a SQLite one."""
        return self.directory / "test.sqlite3"

    def stop(self) -> None:
        """Stop the servers, remove the directories. Harmless when repeated."""
        atexit.unregister(self.stop)
        for server in (self.broker, self.postgresql):
            if server is not None:
                server.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


def installation(config: pytest.Config) -> Installation:
    """Return the servers of this test process."""
    return config.stash[IN_FORCE]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--db``."""
    parser.getgroup("cpds").addoption(
        "--db",
        choices=[SQLITE, POSTGRESQL],
        default=SQLITE,
        help="The database under the tests; postgresql: CPDS_TEST_DATABASE_URL, else a server from a wheel.",
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, Any, Any]:
    """Start the servers before the plugin of Django's reads the settings."""
    options = early_config.known_args_namespace
    if not (options.help or options.version or _only_distributes(options)):
        early_config.stash[IN_FORCE] = made = Installation(database=options.db)
        with _stopped_on_error(made):
            made.start()
            return (yield)
    return (yield)


@contextlib.contextmanager
def _stopped_on_error(made: Installation) -> Iterator[None]:
    try:
        yield
    except BaseException:
        made.stop()
        raise


# Note [pytest-xdist]
# With -n the process the user started only hands out tests, and needs no servers. The processes that run them
# are given this plugin by the environment: they do not read addopts, and -p would load it too late.
def _only_distributes(options: Any) -> bool:
    distributes = bool(getattr(options, "numprocesses", None)) or bool(getattr(options, "tx", None))
    if distributes and "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ["PYTEST_PLUGINS"] = THIS_PLUGIN
        return True
    return False


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers."""
    made = config.stash.get(IN_FORCE, None)
    if made is not None:
        made.stop()


def pytest_report_header(config: pytest.Config) -> str:
    """Say which database the tests run on."""
    return f"database: {config.getoption('db')}"
