"""A test run brings its servers and takes them away, however it ends."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.processes import ROOT
from tests.support.spawning import alive, descendants
from tests.support.waiting import wait_until

RUN = [
    sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
    "--rootdir", ROOT, "-c", ROOT / "pyproject.toml",
]  # fmt: skip
PATIENCE = 180
"""Seconds that a run may take: others run beside it, and it starts servers and processes of its own."""
A_TEST = """
import json, os, pathlib, psutil
from tests.support.plugin import installation

def test_servers(pytestconfig):
    made = installation(pytestconfig)
    servers = [made.broker, *([made.postgresql] if made.postgresql else [])]
    assert all(server.is_ready() for server in servers)
    facts = {
        "pids": [pid for server in servers for pid in [server.pid, *[p.pid for p in server.descendants()]]],
        "directory": str(made.directory),
        "env": {name: os.environ[name] for name in ("DATABASE_URL", "CPDS_BROKER_URL", "CPDS_STATE_DIR")},
    }
    told = pathlib.Path(os.environ["TELL"], str(os.getpid()))
    told.with_suffix(".new").write_text(json.dumps(facts))
    told.with_suffix(".new").rename(told.with_suffix(".json"))
    {last}
"""


@pytest.fixture
def run_of_its_own(tmp_path):
    """Start a pytest of its own with this last line in its test; it tells its servers in JSON files."""
    started = []

    def start(*arguments, last="assert True"):
        test = tmp_path / "test_servers.py"
        test.write_text(A_TEST.replace("{last}", last), encoding="utf-8")
        own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        process = subprocess.Popen(
            [*RUN, *arguments, test],
            cwd=ROOT,
            env={**own, "TELL": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        for left in [*descendants(process.pid), process]:
            left.kill()
        process.communicate()


def told(tmp_path):
    return [json.loads(file.read_text(encoding="utf-8")) for file in tmp_path.glob("*.json")]


def gone(facts):
    return not any(psutil.pid_exists(pid) and alive(psutil.Process(pid)) for pid in facts["pids"])


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_run_names_its_servers_and_leaves_nothing_behind(run_of_its_own, tmp_path, monkeypatch, database):
    monkeypatch.delenv("CPDS_TEST_DATABASE_URL", raising=False)

    run = run_of_its_own(f"--db={database}")
    output, _ = run.communicate(timeout=PATIENCE)

    assert run.returncode == 0, output
    (facts,) = told(tmp_path)
    assert facts["env"]["DATABASE_URL"].startswith("postgres:" if database == "postgresql" else "sqlite:")
    assert all(facts["directory"] in value for value in facts["env"].values())
    assert gone(facts)
    assert not Path(facts["directory"]).exists()


def test_a_failing_run_leaves_nothing_behind(run_of_its_own, tmp_path):
    run = run_of_its_own(last="raise KeyboardInterrupt")
    run.communicate(timeout=PATIENCE)

    (facts,) = told(tmp_path)
    assert run.returncode == 2
    assert gone(facts)
    assert not Path(facts["directory"]).exists()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_servers_of_a_killed_run_die_with_it(run_of_its_own, tmp_path, monkeypatch, database):
    monkeypatch.delenv("CPDS_TEST_DATABASE_URL", raising=False)
    run = run_of_its_own(f"--db={database}", last="import threading; threading.Event().wait(60)")
    (facts,) = wait_until(lambda: told(tmp_path), timeout=PATIENCE, message="the run to tell its servers")

    run.kill()

    wait_until(lambda: gone(facts), timeout=15, message="the servers to die")
    shutil.rmtree(facts["directory"])


def test_processes_of_a_distributed_run_share_nothing(run_of_its_own, tmp_path):
    run = run_of_its_own("-n", "2", "--dist", "each")
    output, _ = run.communicate(timeout=PATIENCE)

    assert run.returncode == 0, output
    first, second = told(tmp_path)
    assert not set(first["env"].values()) & set(second["env"].values())
    assert gone(first)
    assert gone(second)
