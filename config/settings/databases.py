"""How each kind of database is opened."""

import sqlite3
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured


class _InItsDirectory(sqlite3.Connection):
    """A connection that makes the directory of its file: any command may be the first on a machine."""

    def __init__(self, database: str, *args: Any, **kwargs: Any) -> None:
        if not database.startswith(("file:", ":memory:")):
            Path(database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        super().__init__(database, *args, **kwargs)


SQLITE_OPTIONS: dict[str, Any] = {
    # A transaction takes the write lock when it begins. With the default (DEFERRED) two processes that
    # read and then write fail with "database is locked" at once, and no timeout helps.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "factory": _InItsDirectory,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16000;",
}


def sqlite(file: Path) -> dict[str, Any]:
    """Return the settings of a SQLite database in ``file``."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(file),
        "OPTIONS": dict(SQLITE_OPTIONS),
        "CONN_MAX_AGE": None,
    }


def from_url(url: str) -> dict[str, Any]:
    """Return the settings of the database that ``url`` names.

    Connections are kept between pieces of work and checked before reuse.

    :raises ImproperlyConfigured: when the URL cannot be read.
    """
    try:
        settings: dict[str, Any] = dict(
            dj_database_url.parse(url, conn_max_age=None, conn_health_checks=True)
        )
    except (ValueError, KeyError) as error:
        raise ImproperlyConfigured(
            f"DATABASE_URL cannot be read ({error}); expected postgres://user:password@host:5432/name, "
            "mysql://… or sqlite:///path."
        ) from error
    if settings["ENGINE"] == "django.db.backends.sqlite3":
        settings["OPTIONS"] = dict(SQLITE_OPTIONS)
        settings["CONN_HEALTH_CHECKS"] = False
    if settings["ENGINE"] == "django.db.backends.postgresql":
        settings["OPTIONS"] = {
            **settings.get("OPTIONS", {}),
            "options": "-c idle_in_transaction_session_timeout=60000 -c lock_timeout=15000",
        }
    return settings
