"""Commands as a test runs them: in this process, or as a process of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from tasks_app.services.submit.instances import submit_instance
from tasks_app.services.workflows.definitions import upload_workflow
from tests.cli.screens import Screen
from tests.support.builders import a_task, a_workflow
from tests.support.processes import ROOT

COLOUR_SETTINGS = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The document on stdout, which must hold nothing else."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        """The lines of stdout."""
        return self.out.splitlines()


@pytest.fixture(autouse=True)
def colours_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave colour and width to the streams, whatever the test run's own terminal asked for."""
    for name in COLOUR_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture
def run() -> Callable[..., Ran]:
    """Run a command in this process: ``run("workflow", "list")``; ``screen=True``: on a terminal."""

    def ran(*argv: str, screen: bool = False) -> Ran:
        out, err = (Screen(), Screen()) if screen else (StringIO(), StringIO())
        try:
            call_command(*argv, stdout=out, stderr=err)
        except SystemExit as stopped:
            return Ran(int(stopped.code or 0), out.getvalue(), err.getvalue())
        return Ran(0, out.getvalue(), err.getvalue())

    return ran


@pytest.fixture
def manage() -> Callable[..., Ran]:
    """Run a command as a process of its own, on pipes: ``manage("workflow", "upload", "-", stdin=…)``."""

    def ran(*argv: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Ran:
        done = subprocess.run(
            [sys.executable, "manage.py", *argv],
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            input=stdin,
            capture_output=True,
            check=False,
            timeout=60,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    return ran


@pytest.fixture
def uploaded(db: None) -> Callable[..., str]:
    """Store a workflow and return its id: ``uploaded(a_task("extract"), name="etl")``."""

    def upload(*tasks: dict[str, Any], **more: Any) -> str:
        source = a_workflow(*(tasks or [a_task()]), **more)
        return upload_workflow(source=source.encode()).workflow_id

    return upload


@pytest.fixture
def submitted(uploaded: Callable[..., str]) -> Callable[..., str]:
    """Start an instance of a new workflow and return its id."""

    def submit(*tasks: dict[str, Any], params: Mapping[str, Any] | None = None, **more: Any) -> str:
        return submit_instance(workflow=uploaded(*tasks, **more), params=params)

    return submit
