"""The supervisor's last will: process groups that are killed if it dies without stopping them."""

import contextlib
import subprocess
import sys
from pathlib import Path

GUARDIAN = Path(__file__).with_name("guardian.py")


class Deathwatch:
    """A guardian process that outlives the supervisor just long enough to kill what it left.

    It also keeps the state directory's lock until then, so that a new supervisor
    never starts beside dying children of the old one.
    """

    def __init__(self, lock: int) -> None:
        self._lock = lock
        self._groups: set[int] = set()
        self._guardian = self._start()

    def _start(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(GUARDIAN)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(self._lock,),
            start_new_session=True,
            text=True,
        )

    def guard(self, group: int) -> None:
        """Kill this process group if the supervisor dies."""
        self._groups.add(group)
        self._tell(f"+ {group}")

    def release(self, group: int) -> None:
        """Leave this group alone from now on: it is gone, and its number may be given to others."""
        self._groups.discard(group)
        self._tell(f"- {group}")

    def renew(self) -> None:
        """Start the guardian again if something killed it."""
        if self._guardian.poll() is None:
            return
        self._discard()
        self._guardian = self._start()
        for group in self._groups:
            self._tell(f"+ {group}")

    def close(self) -> None:
        """End the watch; groups still guarded are killed."""
        self._discard()
        try:
            self._guardian.wait(timeout=3)
        except subprocess.TimeoutExpired:
            self._guardian.kill()
            self._guardian.wait()

    def _tell(self, line: str) -> None:
        pipe = self._guardian.stdin
        with contextlib.suppress(BrokenPipeError, ValueError):  # dead: renew() says it all again
            if pipe is not None:
                pipe.write(f"{line}\n")
                pipe.flush()

    def _discard(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            if self._guardian.stdin is not None:
                self._guardian.stdin.close()
