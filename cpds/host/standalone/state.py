"""The state directory of one installation: private, locked while in use, and what lies where in it."""

import contextlib
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cpds.host.standalone.errors import StateDirectoryInUse, StateDirectoryUnusable

LOCK_PATIENCE_SECONDS = 1.5
"""How long a lock is waited for: the deathwatch of a killed supervisor keeps it until all is dead."""


def make_private(directory: Path) -> None:
    """Create ``directory`` if need be and let nobody but its owner into it.

    :raises StateDirectoryUnusable: when that cannot be done, or others may write there.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.stat()
        # A directory that others write to (say, the system's temporary one) is shared on purpose:
        # closing it would harm them, and leaving it open would harm the user.
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise StateDirectoryUnusable(directory=directory, why="others may write to it")
        if found.st_uid != os.getuid():
            raise StateDirectoryUnusable(directory=directory, why="it belongs to another user")
        if stat.S_IMODE(found.st_mode) & 0o077:
            directory.chmod(0o700)
    except OSError as error:
        raise StateDirectoryUnusable(directory=directory, why=error.strerror or str(error)) from error
    if not os.access(directory, os.W_OK | os.X_OK):
        raise StateDirectoryUnusable(directory=directory, why="it cannot be written to")


class StateDirectory:
    """Where one installation keeps everything. Only the holder of the lock may use it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "logs"
        self.broker_files = path / "broker"
        self.worker_ready_file = path / "worker.ready"
        self.beat_pid_file = path / "beat.pid"
        self.run_file = path / "run.json"

    def log(self, child: str) -> Path:
        """Return the log file of a child."""
        return self.logs / f"{child}.log"

    @contextlib.contextmanager
    def claim(self) -> Iterator[int]:
        """Hold the directory for this process; yield the lock's file descriptor.

        The lock lives as long as any process has the descriptor open, and dies with
        the last one, however it ends.

        :raises StateDirectoryInUse: while another standalone holds it.
        :raises StateDirectoryUnusable: when it cannot be used at all.
        """
        make_private(self.path)
        for directory in (self.logs, self.broker_files):
            make_private(directory)
        handle = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._lock(handle)
            self.run_file.unlink(missing_ok=True)  # left by one that was killed
            try:
                yield handle
            finally:
                self.run_file.unlink(missing_ok=True)
        finally:
            os.close(handle)

    def _lock(self, handle: int) -> None:
        deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StateDirectoryInUse(directory=self.path, owner=self._owner()) from None
                time.sleep(0.05)
            else:
                return

    def _owner(self) -> str:
        try:
            return f" (process {json.loads(self.run_file.read_text(encoding='utf-8'))['pids']['supervisor']})"
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def write_run_file(self, facts: dict[str, Any]) -> None:
        """Write ``run.json`` at once or not at all; only the owner may read it."""
        draft = self.path / "run.json.new"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(facts, file, indent=2, ensure_ascii=False)
            file.write("\n")
        draft.replace(self.run_file)
