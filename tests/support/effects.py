"""The effect log: what tasks really did, told by themselves in a file outside the system under test.

The database cannot vouch for itself. Each effect is one line, appended by one write,
so that lines of processes that write at once are never mixed.
"""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One thing that a task did. ``at`` is the machine's monotonic clock, the same for all processes."""

    line: str
    pid: int
    at: float


def append_effect(path: str | Path, line: str) -> None:
    """Append one effect to the log."""
    entry = json.dumps({"line": line, "pid": os.getpid(), "at": time.monotonic()})
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, f"{entry}\n".encode())
    finally:
        os.close(handle)


def effects(path: str | Path) -> list[Effect]:
    """Return the effects recorded so far, oldest first; none when there is no log yet."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [Effect(**json.loads(entry)) for entry in text.splitlines()]
