"""Starts standalone mode for a test, in a state directory whose path is not a plain one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.standalone.program import Standalone
from tests.support.program import Program


@pytest.fixture
def standalone(tmp_path: Path, ended_after_test: Callable[[Program], Program]) -> Callable[..., Standalone]:
    """Make programs: ``standalone("--auto-shutdown", name="a", env={...}, started=True, wait=True)``."""

    def made(
        *arguments: str, name: str = "my state 状态", started: bool = True, wait: bool = True, **options: Any
    ) -> Standalone:
        program = Standalone(*arguments, state=tmp_path / name, directory=tmp_path, **options)
        ended_after_test(program)
        if started:
            program.start(wait=wait)
        return program

    return made
