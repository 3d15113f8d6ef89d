"""Each role of the entry point does its work, and stops when it is told to."""

import json

import pytest

from tests.deploy.conftest import free_port, status_of
from tests.support.builders import a_task, a_workflow

pytestmark = [pytest.mark.broker, pytest.mark.slow]

HELLO = a_workflow(a_task("greet", run="shell_command", argv=["true"]), name="hello")


def has_begun(beat):
    # Sooner, a signal may be lost: see tests/support/processes.py.
    return "Schedule changed" in beat.log_tail() or "Sending due task" in beat.log_tail()


def stopped(program):
    """Tell it to stop; return its exit code."""
    program.process.terminate()
    return program.process.wait(timeout=program.stop_seconds)


@pytest.fixture
def worker(role, migrated):
    return role(
        "worker",
        "-n",
        "w7@%h",
        "--concurrency",
        "2",
        ready=lambda _: (migrated.directory / "worker.ready").exists(),
    )


def test_the_web_server_answers_and_stops(role):
    port = free_port()
    web = role(
        "web",
        *("--host", "127.0.0.1", "--port", str(port)),
        ready=lambda _: status_of(f"http://127.0.0.1:{port}/livez") == 200,
    )

    assert status_of(f"http://127.0.0.1:{port}/readyz") == 200
    assert stopped(web) == 0


def test_a_worker_registers_is_healthy_and_stops(worker, migrated):
    assert [each["name"].partition("@")[0] for each in migrated.manage("worker", "list")] == ["w7"]

    assert migrated.run("health").returncode == 0
    assert stopped(worker) == 0
    assert migrated.run("health").returncode != 0


def test_beat_has_the_chores_done_and_stops(role, worker, migrated, tmp_path):
    beat = role("beat", ready=has_begun)
    (tmp_path / "hello.yaml").write_text(HELLO, encoding="utf-8")
    migrated.manage("workflow", "upload", str(tmp_path / "hello.yaml"))

    ended = migrated.manage("workflow", "execute", "hello", "--wait", "--timeout", "60")

    assert ended["status"] == "completed"
    assert stopped(beat) == 0


def test_two_beats_live_side_by_side(role):
    first, second = role("beat", ready=has_begun), role("beat", ready=has_begun)

    assert first.is_running
    assert second.is_running
    assert stopped(first) == stopped(second) == 0


def test_wait_ends_once_the_tables_are_there(migration):
    assert (migration.migrated, migration.waited) == (0, 0)


@pytest.mark.any_database
def test_standalone_ends_when_its_tasks_are_done(place, tmp_path):
    (tmp_path / "hello.yaml").write_text(HELLO, encoding="utf-8")
    alone = {"CPDS_MODE": "standalone", "DATABASE_URL": "", "CPDS_BROKER_URL": ""}

    done = place.run(
        "standalone",
        *("--execute", str(tmp_path / "hello.yaml"), "--auto-shutdown", "--port", "0", "--json"),
        CPDS_REHEARSAL_URL="http://127.0.0.1:9",
        **alone,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "completed"


@pytest.mark.any_database
def test_standalone_is_asked_where_it_listens(place, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "run.json").write_text('{\n "broker_url": "x",\n "url": "http://127.0.0.1:9"\n}')

    assert place.run("health", "standalone").returncode != 0


@pytest.mark.any_database
@pytest.mark.parametrize("words", [(), ("wheb",), ("health", "wheb")])
def test_what_it_does_not_know_is_refused(place, words):
    refused = place.run(*words)

    assert refused.returncode == 2
    assert refused.stderr.startswith("usage: ")


@pytest.mark.any_database
def test_the_example_environment_is_one_that_can_start(place):
    from tests.deploy.files import env_file

    example = {name: value for name, value in env_file().items() if value}
    checked = place.run("migrate", "--check", **example)

    assert "ImproperlyConfigured" not in checked.stderr
    assert checked.returncode == 1  # read, and nothing is migrated yet
