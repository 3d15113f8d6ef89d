"""The pipes between the worker and one command, all served by a single thread."""

import os
import selectors
import subprocess
import time
from collections.abc import Callable
from types import TracebackType
from typing import IO, Final, Self

from workers_app.executors.processes.output import KeptOutput
from workers_app.executors.processes.running import Leash

GUARDIAN_SECONDS: Final = 5.0
"""How long a guardian may take to end what it guards before it is killed itself."""

_DRAIN_SECONDS: Final = 2.0
_CHUNK: Final = 1 << 16


class Conversation:
    """Feeds a command its input, keeps its outputs, and hears from its guardian how it ended."""

    def __init__(
        self,
        guardian: "subprocess.Popen[bytes]",
        *,
        status: int,
        leash: Leash,
        stdin: bytes | None,
        kept_bytes: int,
    ) -> None:
        self.verdict = bytearray()
        self.stdout = KeptOutput(kept_bytes)
        self.stderr = KeptOutput(kept_bytes)
        self._guardian = guardian
        self._leash = leash
        self._selector = selectors.DefaultSelector()
        self._status = status
        self._wakeup = leash.wakeup.fileno()
        self._unsent = memoryview(stdin or b"")
        self._open: set[int] = set()
        self._listen(status, lambda: self._read(status, self.verdict.extend))
        self._listen(self._wakeup, lambda: self._hang_up(self._wakeup))
        self._listen_to(guardian.stdout, self.stdout)
        self._listen_to(guardian.stderr, self.stderr)
        if guardian.stdin is not None:
            self._listen(guardian.stdin.fileno(), self._write, selectors.EVENT_WRITE)

    def hold(self, until: float | None) -> None:
        """Serve the pipes until the guardian is done; past ``until`` the command is ended."""
        give_up_at: float | None = None
        while self._status in self._open:
            now = time.monotonic()
            if until is not None and now >= until:
                self._leash.let_go("timeout", timed_out=True)
            if self._leash.released:
                give_up_at = give_up_at or now + GUARDIAN_SECONDS
                if now >= give_up_at:
                    self._guardian.kill()
                    return
            self._serve(give_up_at if give_up_at is not None else until)

    def drain(self) -> None:
        """Read what is left in the pipes; whoever still holds them open is not waited for."""
        outputs = {
            stream.fileno() for stream in (self._guardian.stdout, self._guardian.stderr) if stream is not None
        }
        until = time.monotonic() + _DRAIN_SECONDS
        while self._open & outputs and time.monotonic() < until:
            self._serve(until)

    def _serve(self, until: float | None) -> None:
        patience = None if until is None else max(0.0, until - time.monotonic())
        for key, _ in self._selector.select(patience):
            key.data()

    def _listen_to(self, stream: "IO[bytes] | None", kept: KeptOutput) -> None:
        if stream is not None:
            fd = stream.fileno()
            self._listen(fd, lambda: self._read(fd, kept.add))

    def _listen(self, fd: int, serve: Callable[[], None], event: int = selectors.EVENT_READ) -> None:
        os.set_blocking(fd, False)
        self._selector.register(fd, event, serve)
        self._open.add(fd)

    def _hang_up(self, fd: int) -> None:
        self._selector.unregister(fd)
        self._open.discard(fd)

    def _read(self, fd: int, keep: Callable[[bytes], None]) -> None:
        try:
            data = os.read(fd, _CHUNK)
        except BlockingIOError:
            return
        if data:
            keep(data)
        else:
            self._hang_up(fd)

    def _write(self) -> None:
        stdin = self._guardian.stdin
        if stdin is None:
            return
        try:
            sent = os.write(stdin.fileno(), self._unsent[:_CHUNK]) if self._unsent else 0
        except BlockingIOError:
            return
        except BrokenPipeError:
            # A command need not read its input.
            sent = len(self._unsent)
        self._unsent = self._unsent[sent:]
        if not self._unsent:
            self._hang_up(stdin.fileno())
            stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._selector.close()
        for stream in (self._guardian.stdin, self._guardian.stdout, self._guardian.stderr):
            if stream is not None:
                stream.close()
