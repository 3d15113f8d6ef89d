"""Kill what a dead supervisor left behind.

Run by path, without site packages, with the supervisor's pipe as standard input. Its lines say which process
groups are the supervisor's: ``+ 123`` is, ``- 123`` is no longer. The pipe ends when the supervisor does,
however it dies; whatever is still listed then is killed. Works wherever there are pipes and process groups.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

LAST_LOOK_SECONDS = 2.0


def groups_at_the_end(lines: Iterable[str]) -> set[int]:
    """Read until the pipe ends and return the groups listed then."""
    groups: set[int] = set()
    for line in lines:
        sign, group = line.split()
        (groups.add if sign == "+" else groups.discard)(int(group))
    return groups


def kill(groups: set[int]) -> None:
    """Kill the groups and wait a little until they are gone: the state directory's lock is held so long."""
    deadline = time.monotonic() + LAST_LOOK_SECONDS
    while groups and time.monotonic() < deadline:
        for group in list(groups):
            try:
                os.killpg(group, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):  # macOS forbids to signal a group of dead processes
                groups.discard(group)
        time.sleep(0.02)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with contextlib.suppress(OSError):
            signal.signal(number, signal.SIG_IGN)
    kill(groups_at_the_end(sys.stdin))
