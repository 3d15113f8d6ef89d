"""Freeze a process where nobody waits for it: between two transactions."""

import sqlite3

import psutil
from django.db import connection

from tests.support.program import Program
from tests.support.waiting import wait_until


def freeze_between_transactions(program: Program) -> None:
    """Freeze the only process beside this one that uses the database, while it holds no lock.

    A process that stands in a transaction keeps its locks: with SQLite nobody could write any more.
    """

    def frozen_without_a_lock() -> bool:
        program.freeze()
        wait_until(lambda: psutil.Process(program.pid).status() == psutil.STATUS_STOPPED)
        if _nobody_is_in_a_transaction():
            return True
        program.thaw()
        return False

    wait_until(frozen_without_a_lock, timeout=30, message=f"{program.name} to be between two transactions")


def _nobody_is_in_a_transaction() -> bool:
    if connection.vendor == "sqlite":
        return _can_be_written(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'"
        )
        return bool(cursor.fetchone() == (0,))


def _can_be_written(file: str) -> bool:
    other = sqlite3.connect(file, timeout=0.5, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return False
    finally:
        other.close()
    return True
