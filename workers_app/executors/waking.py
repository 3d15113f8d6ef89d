"""Interrupt a thread that waits for file descriptors, from any other thread."""

import os
import threading
from types import TracebackType
from typing import Self


class Wakeup:
    """A descriptor that becomes readable, and stays so, once ``wake`` is called.

    Waking after the waiter has closed it is harmless, so it may be handed to
    callbacks that live longer than the wait.
    """

    def __init__(self) -> None:
        # Reentrant, since a signal handler may wake while its own thread closes.
        self._lock = threading.RLock()
        self._read, self._write = os.pipe()
        self._closed = False

    def fileno(self) -> int:
        return self._read

    def wake(self) -> None:
        with self._lock:
            if self._write >= 0:
                os.close(self._write)
                self._write = -1

    def close(self) -> None:
        with self._lock:
            self.wake()
            if not self._closed:
                self._closed = True
                os.close(self._read)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
