"""A process that dies at a chosen point: before a commit, a publication, a statement on its own.

Within a transaction every death is the same: what it did is rolled back. A statement that only reads leaves
nothing behind either: to die at it is to die at the next that writes.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from unittest import mock

from django.db import connections

from tests.support.doorbell import Doorbell

WRITES = re.compile(r"\b(?:INSERT|UPDATE|DELETE)\b")


class Crash(BaseException):  # nothing in the product may catch a death
    """The process died here."""


class Fuse:
    """Burns down by one at each point where a process could die, and blows at zero."""

    def __init__(self, length: int) -> None:
        self.left = length

    def burn(self) -> None:
        """Die if this is the point."""
        self.left -= 1
        if self.left == 0:
            raise Crash

    @property
    def has_blown(self) -> bool:
        """Whether the process died."""
        return self.left <= 0


@contextmanager
def crash_at(point: int, doorbell: Doorbell) -> Iterator[Fuse]:
    """Let the block die at its ``point``-th chance to leave something else behind; the fuse tells whether."""
    connection = connections["default"]
    backend = type(connection)
    commit = backend._commit
    fuse = Fuse(point)

    def statement(execute: Any, sql: str, *args: Any) -> Any:
        if not connection.in_atomic_block and WRITES.search(sql):
            fuse.burn()
        return execute(sql, *args)

    def fused_commit(self: Any) -> Any:
        try:
            fuse.burn()
        except Crash:
            self._rollback()  # what a database does when its client is gone
            raise
        return commit(self)

    with (
        connection.execute_wrapper(statement),
        mock.patch.object(backend, "_commit", fused_commit),
        mock.patch.object(doorbell, "before_each", fuse.burn),
        suppress(Crash),
    ):
        yield fuse
