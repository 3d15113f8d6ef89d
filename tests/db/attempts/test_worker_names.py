"""A worker's name is its own while it lives, and free at once when it is dead."""

import os
import socket
import subprocess
import sys

import pytest

from cpds.base import clock
from workers_app.errors import NameTaken
from workers_app.fleet import presence, workers
from workers_app.fleet.presence import is_worker_here
from workers_app.fleet.workers import Registration, register_worker, retire_worker
from workers_app.models import Worker

pytestmark = pytest.mark.django_db
NAME = "w1@tests"
OURS, ANOTHERS = 1001, 1002


@pytest.fixture
def living(monkeypatch):
    """The worker processes that live on this machine."""
    found = set()
    monkeypatch.setattr(workers, "is_worker_here", lambda *, pid: pid in found)
    return found


def another(host=None):
    register_worker(Registration(name=NAME, pid=ANOTHERS, slots=2))
    if host:
        Worker.objects.update(host=host)


def register():
    register_worker(Registration(name=NAME, pid=OURS, slots=4))
    return Worker.objects.get(name=NAME)


@pytest.mark.parametrize("host", [None, "another.example.com"])
def test_the_name_of_a_living_worker_is_refused(living, host):
    another(host=host)
    living.add(ANOTHERS)

    with pytest.raises(NameTaken, match=f"process {ANOTHERS} on {host or socket.gethostname()}.* -n"):
        register()

    assert Worker.objects.get(name=NAME).pid == ANOTHERS


def test_the_name_of_a_dead_process_of_this_machine_is_free_at_once(living):
    another()

    assert register().pid == OURS


def test_the_name_of_a_worker_that_left_is_free_at_once(living):
    another(host="another.example.com")
    retire_worker(NAME)

    worker = register()

    assert (worker.pid, worker.host, worker.left_at) == (OURS, socket.gethostname(), None)


def test_the_name_of_a_worker_that_fell_silent_is_free(living):
    another(host="another.example.com")
    Worker.objects.update(silent_at=clock.database_now_plus(-1))

    assert register().pid == OURS


def test_a_predecessor_with_the_very_same_process_id_is_dead(living):
    register()
    living.add(OURS)

    assert register().pid == OURS


@pytest.fixture
def process():
    started = []

    def process(*words):
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", "print(flush=True); input()", *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        )
        started[-1].stdout.readline()  # it runs now what it is to run
        return started[-1]

    yield process
    for each in started:
        each.kill()
        each.wait()
        each.stdin.close()
        each.stdout.close()


def test_a_process_that_runs_celery_may_be_a_worker(process):
    assert is_worker_here(pid=process("celery", "worker").pid)


def test_a_process_that_took_over_the_number_is_none(process):
    assert not is_worker_here(pid=process("something else").pid)


def test_a_process_that_is_dead_and_not_yet_taken_note_of_is_none(process):
    dead = process("celery", "worker")
    dead.kill()
    os.waitid(os.P_PID, dead.pid, os.WEXITED | os.WNOWAIT)

    assert not is_worker_here(pid=dead.pid)


def test_where_the_system_does_not_tell_any_living_process_may_be_one(process, monkeypatch, tmp_path):
    monkeypatch.setattr(presence, "PROCESSES", tmp_path / "none")
    gone = process()
    gone.kill()
    gone.wait()

    assert is_worker_here(pid=os.getpid())
    assert not is_worker_here(pid=gone.pid)
