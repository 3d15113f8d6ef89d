"""Ctrl-C and its like, and waiting that they end at once."""

import contextlib
import os
import select
import signal
import time
from types import FrameType
from typing import Self

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ECHO_SECONDS = 0.3
"""A second signal this soon is the first one's echo: some tools signal a process and then its group."""


class Interrupts:
    """Counts the wishes to stop while the block is open: one asks, two insist.

    The end of a child (SIGCHLD) ends a wait as well, so that it is noticed at once.
    """

    def __init__(self) -> None:
        self.count = 0
        self._last = -ECHO_SECONDS
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)

    def __enter__(self) -> Self:
        self._wakeup_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._before = {number: signal.getsignal(number) for number in (*STOP_SIGNALS, signal.SIGCHLD)}
        for number in STOP_SIGNALS:
            # nohup asks that the terminal's end be ignored; that stays so.
            if number is not signal.SIGHUP or self._before[number] is not signal.SIG_IGN:
                signal.signal(number, self._note)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._read)
        os.close(self._write)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._last >= ECHO_SECONDS:
            self.count += 1
            self._last = now

    @property
    def asked(self) -> bool:
        """Whether someone wants everything stopped."""
        return self.count > 0

    @property
    def insisted(self) -> bool:
        """Whether someone wants it stopped at once."""
        return self.count > 1

    def wait(self, seconds: float) -> None:
        """Wait this long, or until a signal arrives or a child ends."""
        ready, _, _ = select.select([self._read], [], [], max(0.0, seconds))
        if ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._read, 4096)
