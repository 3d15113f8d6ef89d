"""Run one command and see to it that nothing it started outlives it.

Started by ``command.py`` as a program of its own, with the standard library
only: ``guardian.py CONTROL_FD STATUS_FD contained|bare PROGRAM ARGUMENT...``.
Its standard streams, environment and directory are the command's.

The command ends with all its descendants when the main process exits, when
the control pipe reaches its end (the worker asks, or is gone, even by kill
-9), or when the parent-death signal comes. Two ways, the first that works:

- *contained*: the command lives in a PID namespace whose init is this
  program's child. When that init ends, for whatever reason, the kernel kills
  every process in the namespace; kill -9 of the guardian ends the init.
- *bare*, where the kernel gives no namespace: this program is the subreaper.
  Orphans, daemons included, become its children, and it kills its children
  until it has none. Kill -9 of the guardian then leaves orphans to the
  worker, which looks for them by the command's mark (``orphans.py``).

Both are Linux's. Elsewhere (macOS) there are only the control pipe and the
command's process group: what leaves the group, as daemons do, is not found, and
kill -9 of the guardian leaves the command running.

On the status pipe it writes lines: ``unstartable ERRNO``, ``stopped``,
``exit CODE``, ``signal NUMBER``. The pipe ends when the guardian has.
"""

import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from typing import NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_SLAVE = 2, 4, 8, 16384, 1 << 19
GRACE_SECONDS = 0.3

libc = ctypes.CDLL(None, use_errno=True)


def main() -> NoReturn:
    control, status = int(sys.argv[1]), int(sys.argv[2])
    contained, argv = sys.argv[3] == "contained", sys.argv[4:]
    if not is_linux():
        kill(-supervise(control, status, argv), signal.SIGKILL)
        os._exit(0)
    if contained and enter_namespaces():
        contain(control, status, argv)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    supervise(control, status, argv)
    end_children()
    os._exit(0)


def is_linux() -> bool:
    return sys.platform == "linux"


def prctl(option: int, value: int) -> None:
    """Tell the kernel a wish about this process, where it is one that knows such wishes."""
    if is_linux():
        libc.prctl(option, value, 0, 0, 0)


def enter_namespaces() -> bool:
    """Make the next child the init of a new PID namespace; return whether the kernel allows it."""
    if libc.unshare(CLONE_NEWPID | CLONE_NEWNS) == 0:
        return True
    # A user namespace whose maps cannot be written is a trap without exit, so a child tries it first.
    probe = os.fork()
    if probe == 0:
        os._exit(0 if enter_user_namespace() else 1)
    return os.waitpid(probe, 0)[1] == 0 and enter_user_namespace()


def enter_user_namespace() -> bool:
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS) != 0:
        return False
    try:
        for name, line in (
            ("setgroups", "deny"),
            ("uid_map", f"{uid} {uid} 1"),
            ("gid_map", f"{gid} {gid} 1"),
        ):
            write_file(f"/proc/self/{name}", line)
    except OSError:
        return False
    return True


def contain(control: int, status: int, argv: list[str]) -> NoReturn:
    """Run the command under an init of its own and end with it."""
    # Nothing here needs an orderly end: when this process dies, the init is killed, and all with it.
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    init = os.fork()
    if init == 0:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        show_own_processes_only()
        supervise(control, status, argv)
        os._exit(0)
    close_standard_streams()
    os.waitpid(init, 0)
    os._exit(0)


def show_own_processes_only() -> None:
    """Mount a /proc of the namespace: pids in it are right, and the worker's environment is out of sight.

    Where that is not allowed (a container that masks parts of /proc) the
    old one stays: pids read from it are then the host's.
    """
    libc.mount(b"none", b"/", None, MS_REC | MS_SLAVE, None)
    libc.mount(b"proc", b"/proc", b"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, None)


def supervise(control: int, status: int, argv: list[str]) -> int:
    """Start the command and return when its main process has ended, having written how.

    What is returned is its pid, which is that of its process group too.
    """
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    os.set_inheritable(control, False)
    os.set_inheritable(status, False)
    child = os.fork()
    if child == 0:
        become(argv, status)
    close_standard_streams()
    result = wait_for(child, control, status, wake_read)
    if os.WIFSIGNALED(result):
        tell(status, f"signal {os.WTERMSIG(result)}")
    else:
        tell(status, f"exit {os.WEXITSTATUS(result)}")
    return child


def become(argv: list[str], status: int) -> NoReturn:
    """Turn into the command, or write why not."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        # The real-time signals the C library keeps for itself refuse to be set.
        try:
            signal.signal(number, signal.SIG_DFL)
        except OSError:
            continue
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.setsid()
    # A set-uid program could not be killed by the guardian, and would lose the parent-death signal.
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        os.execvpe(argv[0], argv, os.environ)  # noqa: S606 - there is never a shell
    except OSError as error:
        tell(status, f"unstartable {error.errno}")
    except ValueError:
        tell(status, "unstartable 22")
    os._exit(127)


def wait_for(child: int, control: int, status: int, wake: int) -> int:
    """Return the wait status of ``child``; stop it when the control pipe ends or SIGTERM comes."""
    stop_at = float("inf")
    stopping = False
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(wake, select.POLLIN)
    while True:
        result = reap(child)
        if result is not None:
            return result
        if time.monotonic() >= stop_at:
            kill(child, signal.SIGKILL)
            stop_at = float("inf")
        patience = None if stop_at == float("inf") else max(0.0, stop_at - time.monotonic()) * 1000
        ready = [fd for fd, _ in poll.poll(patience)]
        signals = os.read(wake, 4096) if wake in ready else b""
        if not stopping and (control in ready or signal.SIGTERM in signals):
            stopping = True
            poll.unregister(control)
            tell(status, "stopped")
            kill(-child, signal.SIGTERM)
            stop_at = time.monotonic() + GRACE_SECONDS


def reap(until: int) -> int | None:
    """Collect ended children; return the status of the one waited for once it is among them."""
    while True:
        try:
            pid, result = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid == until:
            return result
        if pid == 0:
            return None


def end_children() -> None:
    """Kill children until there are none left.

    Only direct children are killed: they stay ours until reaped, so no pid can
    have changed hands. Theirs become ours when they die.
    """
    while True:
        for pid in children():
            kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def children() -> Iterator[int]:
    me = os.getpid()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and parent_of(entry.name) == me:
            yield int(entry.name)


def parent_of(pid: str) -> int | None:
    try:
        file = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
        try:
            # The name in parentheses may hold anything, so count fields after the last one.
            return int(os.read(file, 4096).rpartition(b")")[2].split()[1])
        finally:
            os.close(file)
    except OSError:
        return None


def write_file(path: str, text: str) -> None:
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, text.encode("ascii"))
    finally:
        os.close(file)


def kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def tell(status: int, line: str) -> None:
    try:
        os.write(status, f"{line}\n".encode("ascii"))
    except BrokenPipeError:
        return


def close_standard_streams() -> None:
    """Give up the command's streams, so that their other ends see when the command is gone."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)


if __name__ == "__main__":
    main()
