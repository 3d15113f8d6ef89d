"""``manage.py version`` says CPDS's version, not Django's."""

import subprocess
import sys
from pathlib import Path

from cpds import __version__

ROOT = Path(__file__).resolve().parent.parent.parent


def test_it_says_the_version_of_cpds():
    said = subprocess.run(
        [sys.executable, "manage.py", "version"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert __version__ in said.stdout
