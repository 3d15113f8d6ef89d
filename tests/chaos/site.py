"""Where a chaos run takes place: a directory, a broker, a database, and the settings that name them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from tests.chaos.plan import CLOUD
from tests.support.servers import Broker, PostgreSQL, private_directory, private_folder

UNWANTED = ("CPDS_", "ANTHROPIC_", "DJANGO_", "CELERY_", "DATABASE_URL")
SWEEP_SECONDS = 1.0
REDELIVER_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Site:
    """The servers of one run."""

    mode: str
    directory: Path
    broker: Broker
    postgresql: PostgreSQL | None

    @property
    def effect_log(self) -> Path:
        """Where tasks tell what they did."""
        return self.directory / "effects"

    def server_pids(self) -> set[int]:
        """Return the process ids of the servers and of what they started."""
        servers = [server for server in (self.broker, self.postgresql) if server is not None]
        return {
            pid for server in servers for pid in (server.pid, *(each.pid for each in server.descendants()))
        }


@contextmanager
def a_site(*, mode: str, heartbeat_seconds: float) -> Iterator[Site]:
    """Start the servers, set Django up on them, make the tables; afterwards end and remove all of it."""
    directory = private_directory("cpds-chaos-")
    directory.chmod(0o711)  # another account may own the database server's part of it
    broker = Broker(private_folder(directory, "broker"))
    postgresql = PostgreSQL(private_folder(directory, "postgresql")) if mode == CLOUD else None
    servers = [server for server in (broker, postgresql) if server is not None]
    try:
        for server in servers:
            server.start()
        site = Site(mode=mode, directory=directory, broker=broker, postgresql=postgresql)
        _set_up(site, heartbeat_seconds)
        yield site
    finally:
        for server in servers:
            server.end()
        rmtree(directory, ignore_errors=True)


def _set_up(site: Site, heartbeat_seconds: float) -> None:
    for name in [name for name in os.environ if name.startswith(UNWANTED)]:
        del os.environ[name]
    os.environ.update(
        DJANGO_SETTINGS_MODULE=f"config.settings.{site.mode}",
        SECRET_KEY="only-for-chaos-" + "0" * 50,
        DATABASE_URL=_database(site),
        CPDS_MODE=site.mode,
        CPDS_BROKER_URL=site.broker.url,
        CPDS_STATE_DIR=str(private_folder(site.directory, "state")),
        CPDS_FUNCTION_MODULES="tests.chaos.functions",
        CPDS_HEARTBEAT_SECONDS=f"{heartbeat_seconds:g}",
        CPDS_LEASE_SECONDS=f"{3 * heartbeat_seconds:g}",
        CPDS_SWEEP_SECONDS=f"{SWEEP_SECONDS:g}",
        CPDS_REDELIVER_SECONDS=f"{REDELIVER_SECONDS:g}",
        CPDS_LOG_LEVEL="CRITICAL",  # what fails here is what was made to fail
    )
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def _database(site: Site) -> str:
    if site.postgresql is None:
        return f"sqlite:///{site.directory / 'db.sqlite3'}"
    with site.postgresql.connection() as connection:
        connection.execute("CREATE DATABASE cpds")
    return site.postgresql.url
