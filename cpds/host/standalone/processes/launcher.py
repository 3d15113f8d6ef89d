"""Become a program that the kernel kills when its parent dies (on Linux).

Run by path, without site packages, as ``python -I -S launcher.py PARENT_PID PROGRAM ARGUMENT...``: the
process replaces itself by the program, so the parent knows the program's own process id. The wish survives
that replacement. A ``preexec_fn`` would do the same without this file, but it runs Python between fork and
exec, where a lock held by another thread of the supervisor is never released.
"""

import contextlib
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Ask the kernel for SIGKILL at the parent's death; leave at once if it is dead already."""
    with contextlib.suppress(OSError, AttributeError):  # not Linux: the deathwatch alone guards
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - there is no shell to be wanted here
