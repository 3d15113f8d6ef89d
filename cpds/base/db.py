"""Transaction words: each says one thing.

Django's ``atomic`` means "open a transaction", "make a savepoint" and "require
one" at once. Here each meaning has a name, so that a reader knows who owns the
transaction and a helper cannot open one by accident.
"""

import functools
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import ParamSpec, TypeVar

from django.db import connections
from django.db import transaction as django_transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model, QuerySet
from django.db.utils import DEFAULT_DB_ALIAS

P = ParamSpec("P")
R = TypeVar("R")
Row = TypeVar("Row", bound=Model)


class TransactionRequired(RuntimeError):
    """A helper that must share its caller's transaction was called without one.

    Open ``cpds.base.db.transaction()`` in the service that knows the whole act.
    This is a programming error: do not catch it.
    """


# Threads of one process that want SQLite's only write lock queue here, in order. Left to SQLite they
# would poll for it with growing pauses.
_sqlite_writer = threading.RLock()


class _Open(threading.local):
    """How many of our own transactions are open on this thread, inside one another."""

    count = 0


_open = _Open()


@contextmanager
def transaction(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Open a transaction; commit at the end, roll back on any exception.

    On SQLite it is IMMEDIATE: the write lock is taken at once, so a read that
    precedes a write inside it cannot go stale.
    """
    queue = _sqlite_writer if connections[using].vendor == "sqlite" else nullcontext()
    with queue, django_transaction.atomic(using=using):
        _open.count += 1
        try:
            yield
        finally:
            _open.count -= 1


def in_transaction(using: str = DEFAULT_DB_ALIAS) -> bool:
    """Return whether a transaction is open on this thread's connection."""
    return bool(connections[using].in_atomic_block)


def transaction_required(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a helper that only makes sense inside its caller's transaction.

    :raises TransactionRequired: when called outside one.
    """

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if not in_transaction():
            raise TransactionRequired(
                f"{function.__qualname__} needs an open transaction; "
                "open cpds.base.db.transaction() in the service that calls it."
            )
        return function(*args, **kwargs)

    return guarded


def drop_broken_connection() -> None:
    """Close this thread's connections after an error of theirs, so that the next query opens new ones."""
    release_connection()


def release_connection() -> None:
    """Close this thread's connections until its next query, unless it is in a transaction.

    For one that is about to wait: hundreds of waiting threads would keep as many connections.
    """
    if not in_transaction():
        connections.close_all()


def locking(rows: "QuerySet[Row]") -> "QuerySet[Row]":
    """Return the rows locked until the transaction ends, for changes that leave their keys alone.

    Where the database tells the two apart (PostgreSQL), rows that point at these
    may still be written meanwhile. To delete, ask for ``select_for_update()``.
    SQLite has no row locks and needs none: an IMMEDIATE transaction holds the only
    write lock.
    """
    if connections[rows.db].features.has_select_for_no_key_update:
        return rows.select_for_update(no_key=True)
    return rows.select_for_update()


def allow_full_statements(*, connection: BaseDatabaseWrapper, **_: object) -> None:
    """Let Django put as many parameters into a statement as this SQLite takes: rows come in thousands.

    Django stops at 999, the limit of libraries older than 3.32.
    """
    if connection.vendor == "sqlite":
        limit = connection.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
        connection.features.max_query_params = limit


def run_when_committed(function: Callable[[], None]) -> None:
    """Run ``function`` now; inside a transaction of the caller's, once that has committed.

    For services that end with a publication and may be part of a larger act.
    """
    if _open.count:
        run_after_commit(function)
    else:
        function()


def run_after_commit(function: Callable[[], None]) -> None:
    """Run ``function`` once the open transaction has committed.

    It may only hasten what a sweep would find anyway: a crash right after the
    commit loses it. An exception it raises is logged and goes no further.

    :raises TransactionRequired: outside a transaction.
    """
    if not in_transaction():
        raise TransactionRequired("run_after_commit needs an open transaction to wait for.")
    django_transaction.on_commit(function, robust=True)
