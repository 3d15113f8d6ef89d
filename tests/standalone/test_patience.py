"""How long the supervisor waits for children that do not stop when they are asked."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from cpds.host.standalone.processes import children
from cpds.host.standalone.processes.child import ChildSpec
from cpds.host.standalone.processes.deathwatch import Deathwatch
from cpds.host.standalone.processes.interrupts import Interrupts
from cpds.host.standalone.processes.supervisor import Supervisor
from tests.support.waiting import wait_until

DEAF = """
import signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w")
signal.pause()
"""
FOR_EVER = 3600.0


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    with Interrupts() as taken:
        yield taken


@contextmanager
def a_deathwatch(tmp_path: Path) -> Iterator[Deathwatch]:
    with (tmp_path / "lock").open("w") as lock, closing(Deathwatch(lock=lock.fileno())) as deathwatch:
        yield deathwatch


def supervising(
    interrupts: Interrupts, deathwatch: Deathwatch, tmp_path: Path, patience: float
) -> Supervisor:
    """Return the supervisor of a child that is deaf to SIGTERM."""
    made = tmp_path / "deaf"
    supervisor = Supervisor(deathwatch=deathwatch, interrupts=interrupts)
    supervisor.add(
        [
            ChildSpec(
                name="worker",
                argv=lambda: [sys.executable, "-c", DEAF, str(made)],
                environment=lambda: os.environ,
                directory=tmp_path,
                log=tmp_path / "worker.log",
                probe=lambda: lambda _pid: made.exists(),
                patience_seconds=patience,
            )
        ]
    )
    assert supervisor.wait_until_ready()
    return supervisor


def signalled_again(interrupts: Interrupts) -> Interrupts:
    """Signal once more: what follows too soon is taken for an echo."""
    os.kill(os.getpid(), signal.SIGINT)
    return interrupts


def test_one_that_is_deaf_is_killed_when_patience_ends(interrupts: Interrupts, tmp_path: Path) -> None:
    with a_deathwatch(tmp_path) as deathwatch:
        supervisor = supervising(interrupts, deathwatch, tmp_path, patience=0.1)

        supervisor.stop()

    assert supervisor.pids() == {}


def test_whoever_insists_waits_for_no_patience(interrupts: Interrupts, tmp_path: Path) -> None:
    with a_deathwatch(tmp_path) as deathwatch:
        supervisor = supervising(interrupts, deathwatch, tmp_path, patience=FOR_EVER)
        wait_until(lambda: signalled_again(interrupts).insisted)

        supervisor.stop()

    assert supervisor.pids() == {}


def test_all_patience_together_is_less_than_five_seconds() -> None:
    leaning = max(children.FAKE_CLAUDE_PATIENCE, children.BROKER_PATIENCE)

    assert children.BEAT_PATIENCE + children.WEB_PATIENCE + children.WORKER_PATIENCE + leaning < 5
