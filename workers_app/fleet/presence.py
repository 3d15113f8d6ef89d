"""Whether a worker that the rows tell of is still there."""

import os
from pathlib import Path

PROCESSES = Path("/proc")
_PROGRAM = b"celery"


def is_worker_here(pid: int) -> bool:
    """Return whether a process of this machine with this id lives and may be a Celery worker.

    A dead process whose parent has not yet taken note of it is dead. Where the
    system does not tell what a process runs (macOS), any living one may be.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, as another user's
        pass
    if not PROCESSES.is_dir():
        return True
    try:
        return _PROGRAM in (PROCESSES / str(pid) / "cmdline").read_bytes()
    except OSError:
        return False
