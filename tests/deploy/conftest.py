"""The entry point, run natively in cloud mode against a database and a broker of its own."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy.files import ENTRYPOINT, ROOT
from tests.standalone.program import users_environment
from tests.support.program import Program


class Role(Program):
    """``entrypoint.sh ROLE``; ready when ``ready`` says so."""

    start_seconds = 60.0

    def __init__(self, role, *options, directory, env, ready, stop_seconds=15.0):
        super().__init__(name=role, log=directory / f"{role}-{uuid.uuid4().hex[:6]}.log")
        self.words, self.env, self.ready = (role, *options), env, ready
        self.stop_seconds = stop_seconds

    def command(self):
        return [str(ENTRYPOINT), *self.words]

    def options(self):
        return {"cwd": self.log.parent, "env": self.env}

    def is_ready(self):
        return self.ready(self)


class Place:
    """An installation in cloud mode: its environment, and what can be asked of it."""

    def __init__(self, *, directory, database_url, broker_url):
        self.directory = directory
        # `python` of the image is this one here.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.env = users_environment(
            PATH=path,
            CPDS_MODE="cloud",
            SECRET_KEY="0123456789" * 6,
            DATABASE_URL=database_url,
            CPDS_BROKER_URL=broker_url,
            CPDS_STATE_DIR=str(directory / "state"),
            CPDS_READY_FILE=str(directory / "worker.ready"),
            CPDS_ALLOWED_HOSTS="localhost",
            CPDS_SWEEP_SECONDS="1",
            ROLE_FILE=str(directory / "role"),
        )

    def run(self, *words, **more):
        """Run the entry point to its end."""
        return subprocess.run(
            [str(ENTRYPOINT), *words],
            cwd=self.directory,
            env={**self.env, **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def manage(self, *words):
        """Return what a management command prints as JSON."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *words, "--json"],
            cwd=self.directory,
            env=self.env,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return json.loads(done.stdout)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def status_of(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


class Databases:
    """Makes databases in cloud mode: files, or on the tests' PostgreSQL; copies where there is a model."""

    def __init__(self, server, directory):
        self.server, self.directory, self.made = server, directory, []

    def make(self, model=None):
        """Return the URL of a new database, which is empty, or as ``model``, the URL of another."""
        name = f"deploy_{uuid.uuid4().hex[:12]}"
        if self.server is None:
            file = self.directory / f"{name}.sqlite3"
            if model:
                shutil.copyfile(model.removeprefix("sqlite:///"), file)
            return f"sqlite:///{file}"
        like = f" TEMPLATE {self._name_in(model)}" if model else ""
        with contextlib.closing(self.server.connection()) as connection:
            connection.execute(f"CREATE DATABASE {name}{like}")
        self.made.append(name)
        return self.server.url_of(name)

    def drop(self):
        """Remove all that were made."""
        for name in self.made:
            with contextlib.closing(self.server.connection()) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @staticmethod
    def _name_in(url):
        return re.search(r"/(deploy_\w+)", url)[1]


@pytest.fixture(scope="session")
def databases(installation, tmp_path_factory):
    """Where databases are made."""
    made = Databases(installation.postgresql, tmp_path_factory.mktemp("databases"))
    yield made
    made.drop()


@dataclass
class Migration:
    """How an empty database got its tables, while ``entrypoint.sh wait`` waited for them."""

    url: str
    migrated: int
    waited: int


@pytest.fixture(scope="session")
def migration(databases, installation, tmp_path_factory):
    """One migration for all tests: it takes its time."""
    url, directory = databases.make(), tmp_path_factory.mktemp("migration")
    place = Place(directory=directory, database_url=url, broker_url=installation.broker.url)
    waiting = Role("wait", directory=directory, env=place.env, ready=lambda it: "not yet" in it.log_tail())
    try:
        waiting.start()
        migrated = place.run("migrate", "--verbosity", "0")
        assert migrated.returncode == 0, migrated.stderr
        waited = waiting.process.wait(timeout=60)
    finally:
        waiting.end()
    return Migration(url=url, migrated=migrated.returncode, waited=waited)


@pytest.fixture
def place(broker, tmp_path):
    """An installation whose database does not exist yet."""
    return Place(
        directory=tmp_path, database_url=f"sqlite:///{tmp_path / 'cloud.sqlite3'}", broker_url=broker.url
    )


@pytest.fixture
def migrated(broker, migration, databases, tmp_path):
    """An installation whose database has its tables: on the tests' PostgreSQL, or in a file."""
    return Place(directory=tmp_path, database_url=databases.make(model=migration.url), broker_url=broker.url)


@pytest.fixture
def role(migrated, ended_after_test):
    """Start a role and wait until it is ready: ``role("beat", ready=...)``."""

    def start(name, *options, ready):
        program = ended_after_test(
            Role(name, *options, directory=migrated.directory, env=migrated.env, ready=ready)
        )
        program.start()
        return program

    return start
