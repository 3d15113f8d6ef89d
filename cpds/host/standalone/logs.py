"""The children's log files, and the supervisor's own."""

import logging
import os
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

KEEP_BYTES = 16 * 1024 * 1024
"""A larger log is set aside as ``.1`` when its child is started, replacing the one before."""
TAIL_LINES = 20
TAIL_BYTES = 16 * 1024


@contextmanager
def appended(file: Path) -> Iterator[IO[bytes]]:
    """Open a log for its child to write to."""
    if file.exists() and file.stat().st_size > KEEP_BYTES:
        file.replace(file.with_suffix(".log.1"))
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "ab") as log:
        yield log


def tail(file: Path) -> str:
    """Return the last lines of a log."""
    try:
        with file.open("rb") as log:
            log.seek(max(0, file.stat().st_size - TAIL_BYTES))
            text = log.read().decode("utf-8", errors="replace")
    except OSError:
        return "(no log)"
    return "\n".join(f"    {line}" for line in deque(text.splitlines(), maxlen=TAIL_LINES))


class _PresentStderr(logging.StreamHandler[IO[str]]):
    """Writes to what ``sys.stderr`` is now: the live view puts itself in front of it."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def send_supervisors_log_to(file: Path) -> None:
    """Write this process's log to ``file``, and only its warnings to stderr."""
    to_file = logging.FileHandler(file, encoding="utf-8")
    to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    to_stderr = _PresentStderr(sys.stderr)
    to_stderr.setLevel(logging.WARNING)
    to_stderr.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    root.addHandler(to_file)
    root.addHandler(to_stderr)
    root.setLevel(min(root.level or logging.INFO, logging.INFO))
