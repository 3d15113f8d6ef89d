"""A worker that cannot register waits until it can: it takes nothing unseen."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from tests.support.builders import a_task
from tests.support.engine import an_instance, task, wait_for_end
from tests.support.plugin import Installation
from tests.support.processes import WorkerProcess
from tests.support.waiting import wait_until
from workers_app.models import Worker

pytestmark = pytest.mark.broker
QUICK = {"CPDS_LEASE_SECONDS": 3, "CPDS_HEARTBEAT_SECONDS": 0.5, "CPDS_SWEEP_SECONDS": 0.2}


@contextmanager
def closed_postgresql(installation: Installation) -> Iterator[str]:
    """Yield the URL of the test database, which takes no new connection until the block ends."""
    if installation.postgresql is None:
        pytest.skip("needs a server of the tests' own")
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with installation.postgresql.connection() as other:
        other.autocommit = True
        other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        try:
            yield os.environ["DATABASE_URL"]
        finally:
            other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


@contextmanager
def closed_sqlite(directory: Path) -> Iterator[str]:
    """Yield the URL of a file that cannot be opened, and that is the test database when the block ends."""
    place = directory / "db.sqlite3"
    place.mkdir()
    try:
        yield f"sqlite:///{place}"
    finally:
        place.rmdir()
        place.symlink_to(connection.settings_dict["NAME"])


def test_it_waits_for_the_database_and_then_joins(
    celery_worker_process: Callable[..., WorkerProcess], installation: Installation, tmp_path: Path
) -> None:
    instance = an_instance(a_task("a"))
    is_postgresql = connection.vendor == "postgresql"

    with closed_postgresql(installation) if is_postgresql else closed_sqlite(tmp_path) as url:
        worker = celery_worker_process(env={**QUICK, "DATABASE_URL": url}, wait=False)
        wait_until(
            lambda: worker.log_tail().count("worker_not_registered") >= 2,
            timeout=30,
            message="the worker to try to register again",
        )
        assert worker.is_running
        assert not worker.is_ready()
        assert not Worker.objects.exists()
        assert task(instance, "a").attempts == 0

    worker.wait_until_ready()
    assert wait_for_end(instance).status == "completed"
    assert Worker.objects.get().name == worker.node


def test_one_that_was_forgotten_while_it_ran_registers_anew(
    celery_worker_process: Callable[..., WorkerProcess],
) -> None:
    worker = celery_worker_process(env=QUICK)

    Worker.objects.all().delete()

    wait_until(lambda: Worker.objects.filter(name=worker.node).exists(), message="the worker to register")
    instance = an_instance(a_task("a"))
    assert wait_for_end(instance).status == "completed"
    wait_until(lambda: Worker.objects.get().queues, message="the worker to say which queues it consumes")
