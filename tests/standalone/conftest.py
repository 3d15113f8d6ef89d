"""Starts standalone mode for a test, in a state directory whose path is not a plain one."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.standalone.program import ROOT, Standalone, users_environment
from tests.support.program import Program


@pytest.fixture(scope="session")
def used_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database as an earlier start leaves it."""
    state = tmp_path_factory.mktemp("used")
    environment = users_environment(CPDS_STATE_DIR=str(state))
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True, timeout=120
    )
    return state / "db.sqlite3"


@pytest.fixture
def standalone(
    tmp_path: Path, used_database: Path, ended_after_test: Callable[[Program], Program]
) -> Callable[..., Standalone]:
    """Make programs: ``standalone("--auto-shutdown", name="a", env={...}, started=True, wait=True)``.

    ``is_first``: nothing is there yet; else a state directory with a database that was used before.
    """

    def made(
        *arguments: str,
        name: str = "my state 状态",
        is_first: bool = False,
        started: bool = True,
        wait: bool = True,
        **options: Any,
    ) -> Standalone:
        program = Standalone(*arguments, state=tmp_path / name, directory=tmp_path, **options)
        if not is_first and not program.state.exists():
            program.state.mkdir(mode=0o700)
            shutil.copy2(used_database, program.state)
        ended_after_test(program)
        if started:
            program.start(wait=wait)
        return program

    return made
