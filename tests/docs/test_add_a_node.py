"""The chapter "Add a node" of docs/fleet.md, followed literally in a copy of the code elsewhere."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, kept_files
from tests.docs.pages import DEPLOY, FLEET, section
from tests.support.builders import a_task
from tests.support.engine import an_instance, wait_for_end
from tests.support.program import Program
from tests.support.servers import Broker
from tests.support.waiting import wait_until
from workers_app.models import Worker

ACTIVATE = Path(sys.prefix) / "bin" / "activate"
pytestmark = [
    pytest.mark.broker,
    pytest.mark.slow,
    pytest.mark.skipif(not ACTIVATE.exists(), reason="runs outside a virtual environment"),
]
OURS = ("CPDS_", "ANTHROPIC_", "DATABASE_URL", "SECRET_KEY", "DJANGO_", "PYTEST_", "COV_")
MAKES_THE_ENVIRONMENT = ("python3.11 -m venv", ".venv/bin/pip install")
START = 90.0


def first_block(page, heading):
    return re.search(r"^```sh\n(.*?)^```$", section(page, heading), re.MULTILINE | re.DOTALL)[1]


def chapter_commands():
    """Return what ``manage.py`` is told in the chapter."""
    spans = re.findall(r"`([^`\n]+)`", section(FLEET, "Add a node"))
    return [span for span in spans if span.startswith("python manage.py ")]


class Node(Program):
    """The chapter's block in a shell, in a directory of its own."""

    start_seconds = START
    stop_seconds = 30.0

    def __init__(self, directory: Path, *, log: Path) -> None:
        super().__init__(name="node", log=log)
        self.directory = directory
        self.environment = {key: text for key, text in os.environ.items() if not key.startswith(OURS)}

    def command(self):
        lines = first_block(FLEET, "Add a node").splitlines()
        return [
            "bash",
            "-ec",
            "\n".join(each for each in lines if not each.startswith(MAKES_THE_ENVIRONMENT)),
        ]

    def options(self):
        return {"cwd": self.directory, "env": self.environment}

    @property
    def row(self):
        return Worker.objects.filter(name__startswith="w2@", left_at__isnull=True).first()

    def is_ready(self):
        return self.row is not None

    def run(self, line):
        """Run a command of the chapter with its environment; return what it printed."""
        script = f"set -a; . ./cpds.env; set +a\n. .venv/bin/activate\n{line}"
        done = subprocess.run(
            ["bash", "-ec", script],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=START,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def node(broker: Broker, database_url: str, tmp_path, ended_after_test):
    if not database_url.startswith("postgres"):
        pytest.skip("an installation on many machines has PostgreSQL")
    directory = tmp_path / "a clone"
    for file in kept_files():
        copy = directory / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    (directory / ".venv").symlink_to(sys.prefix)
    given = {
        "DATABASE_URL": database_url,
        "CPDS_BROKER_URL": broker.url,
        "CPDS_STATE_DIR": str(tmp_path / "state"),
        "SECRET_KEY": "at-least-50-random-characters-" + "x" * 30,
    }
    lines = []
    for line in first_block(DEPLOY, "By hand").splitlines():
        name = line.partition("=")[0]
        lines.append(f"{name}={shlex.quote(given[name])}" if name in given else line)
    (directory / "cpds.env").write_text("\n".join([*lines, ""]), encoding="utf-8")
    found = Node(directory, log=tmp_path / "node.log")
    ended_after_test(found)
    return found


def a_run(name, **also):
    return an_instance(a_task("say", run="shell_command", argv=["echo", "hello"], also=also), name=name)


def test_a_node_joins_works_and_leaves(node):
    assert len(chapter_commands()) >= 2
    special = a_run("special", requires=["fpga"])
    node.start()

    name = node.row.name
    assert name in node.run("python manage.py worker list")
    assert wait_for_end(a_run("plain"), timeout=START).status == "completed"
    special.refresh_from_db()
    assert special.status == "running"

    node.stop()
    with (node.directory / "cpds.env").open("a", encoding="utf-8") as file:
        file.write("CPDS_CAPABILITIES=fpga\n")
    wait_until(lambda: node.row is None, timeout=START, message="the node to have left")
    node.start()
    assert wait_for_end(special, timeout=START).status == "completed"

    [stop] = [each for each in chapter_commands() if " worker stop " in each]
    node.run(stop.replace("w2@node-7", name))
    wait_until(lambda: not node.is_running, timeout=START, message="the node to stop")
    assert (node.exit_code, node.row) == (0, None)
