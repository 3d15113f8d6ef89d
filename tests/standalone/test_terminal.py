"""On a terminal there is a live view; NO_COLOR and --no-progress are respected."""

import contextlib
import os
import pty
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.standalone.program import NO_REHEARSAL, ROOT, users_environment
from tests.support.spawning import spawn

COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-7][0-9;]*m")
CURSOR_UP = "\x1b[1A"
SHORT = "name: short\ntasks:\n  - {name: nap, run: shell_command, with: {argv: [sleep, '1.5']}}\n"


@pytest.fixture(autouse=True)
def _used_before(tmp_path: Path, used_database: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    shutil.copy2(used_database, tmp_path / "state")


def shown_on_a_terminal(directory: Path, *arguments: str, **env: str) -> str:
    """Return what a terminal receives while a short workflow is run."""
    (directory / "short.yaml").write_text(SHORT, encoding="utf-8")
    ours, theirs = pty.openpty()
    command = [sys.executable, str(ROOT / "manage.py"), "standalone", "--port", "0", "--auto-shutdown"]
    process = spawn(
        [*command, "--execute", "short.yaml", "--state-dir", str(directory / "state"), *arguments],
        stdout=theirs,
        stderr=theirs,
        cwd=directory,
        env=users_environment(TERM="xterm-256color", COLUMNS="120", LINES="40", **NO_REHEARSAL, **env),
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # the terminal's other side is closed
        while received := os.read(ours, 65_536):
            shown += received
    os.close(ours)
    assert process.wait(timeout=30) == 0
    return shown.decode("utf-8")


def test_the_live_view_shows_a_bar_and_the_running_task(tmp_path: Path) -> None:
    shown = shown_on_a_terminal(tmp_path)

    assert "━" in shown
    assert "nap" in shown
    assert COLOUR.search(shown)
    assert "1 of 1 tasks completed" in shown
    assert shown.count("\n\r\n\r\n\r\n") == 0, "the idle view pushes the terminal on"


@pytest.mark.parametrize("arguments", [[], ["--no-progress"]], ids=["with progress", "without"])
def test_no_color_means_none(tmp_path: Path, arguments: list[str]) -> None:
    shown = shown_on_a_terminal(tmp_path, *arguments, NO_COLOR="1")

    assert not COLOUR.search(shown)
    assert (CURSOR_UP in shown) is not bool(arguments)
