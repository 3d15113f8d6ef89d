"""What this machine can do: detected by looking for programs, and declared by its operator."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from typing import Final

from cpds.base.conf import conf
from tasks_app.services.access.projects import project_keys

PATIENCE_SECONDS: Final = 5.0
"""For each program that is asked for its version."""
LONGEST_VERSION: Final = 100
PROGRAMS: Final[Mapping[str, tuple[str, ...]]] = {
    "git": ("git", "--version"),
    "node": ("node", "--version"),
    "docker": ("docker", "--version"),
    "gpu": ("nvidia-smi", "--query-gpu=name", "--format=csv,noheader"),
}
"""The program behind each capability, and how to ask it for its version; of a GPU, for its name."""
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)+\S*")


def capabilities_here() -> list[str]:
    """Return what a worker on this machine can do, sorted. Starts no program."""
    found = {"python"}
    found |= {name for name, (program, *_) in PROGRAMS.items() if shutil.which(program)}
    if os.name == "posix" and shutil.which("sh"):
        found.add("shell")
    if conf().claude_api_key or conf().rehearsal_url:
        found.add("claude")
    return sorted(found | set(conf().capabilities))


def projects_here() -> list[str]:
    """Return the slugs of the only projects whose tasks a worker on this machine takes; none: of any."""
    return sorted(set(conf().worker_projects))


def served_here() -> frozenset[int] | None:
    """Return the keys of those projects that there are; None for a worker that takes tasks of any."""
    slugs = projects_here()
    return frozenset(project_keys(slugs).values()) if slugs else None


def labels_here() -> dict[str, str]:
    """Return what the operator says of this machine, by name; a label without a value has an empty one."""
    pairs = (label.partition("=") for label in conf().labels)
    return {name.strip(): value.strip() for name, _, value in pairs}


def tools_here() -> dict[str, str]:
    """Return the programs found, each with its version, empty when it did not tell in time.

    Runs each of them once, for at most ``PATIENCE_SECONDS``.
    """
    found = {"python": platform.python_version()}
    for name, (program, *arguments) in PROGRAMS.items():
        if path := shutil.which(program):
            found[name] = _said([path, *arguments], wants_number=name != "gpu")
    return dict(sorted(found.items()))


def _said(argv: list[str], *, wants_number: bool) -> str:
    try:
        answer = subprocess.run(
            argv, capture_output=True, timeout=PATIENCE_SECONDS, check=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    line = answer.stdout.decode("utf-8", errors="replace").strip().partition("\n")[0]
    number = _NUMBER.search(line) if wants_number else None
    return (number.group().rstrip(",") if number else line)[:LONGEST_VERSION]
