"""Run standalone mode the way the README says, beside whatever else runs."""

import os
import subprocess
import sys
from pathlib import Path

from tests.architecture.sources import ROOT

OURS = ("CPDS_", "ANTHROPIC_", "DATABASE_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE")


def run_standalone(directory: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run ``manage.py standalone`` to its end, on a free port and with a state directory of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    command = [sys.executable, "manage.py", "standalone", "--auto-shutdown", "--port", "0"]
    return subprocess.run(
        [*command, "--state-dir", str(directory / "state"), *arguments],
        cwd=ROOT,
        env={**environment, "COLUMNS": "110"},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
