"""A process that dies at one of its statements: what it did not commit is gone, and nothing follows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


class Crash(BaseException):
    """The process is dead. No handler of the product's may catch it."""


class Statements:
    """Counts statements; the one with number ``crash_at`` is not sent, and the process dies."""

    def __init__(self, crash_at: int | None) -> None:
        self.crash_at = crash_at
        self.sent = 0

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        self.sent += 1
        if self.sent == self.crash_at:
            raise Crash
        return execute(*arguments)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count what the block sends; a crash ends the block."""
        with connection.execute_wrapper(self):
            try:
                yield
            except Crash:
                if not connection.in_atomic_block:
                    return
                raise
