"""A process that dies at a statement: in process, told by an error that nothing catches."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection


class ProcessDied(BaseException):
    """No ``except Exception`` stops it; what was not committed is rolled back."""


@dataclass
class Statements:
    """How many statements were sent; at number ``fatal`` the process dies, before or after it took effect."""

    fatal: int
    after: bool
    count: int = 0

    @property
    def died(self) -> bool:
        """Whether the fatal statement was reached."""
        return self.count >= self.fatal

    def __call__(self, execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        self.count += 1
        if self.count != self.fatal:
            return execute(sql, params, many, context)
        if self.after:
            execute(sql, params, many, context)
        raise ProcessDied


@contextmanager
def dying_at(number: int, *, after: bool) -> Iterator[Statements]:
    """Let the process die at statement ``number`` of the block; the block ends there."""
    statements = Statements(fatal=number, after=after)
    try:
        with connection.execute_wrapper(statements):
            yield statements
    except ProcessDied:
        connection.close()  # its connection dies with a process
