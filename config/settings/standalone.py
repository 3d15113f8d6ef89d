"""Everything on this machine, from nothing but pip packages: SQLite and an embedded broker."""

import os
import secrets
from pathlib import Path
from typing import cast

from django.utils.functional import SimpleLazyObject

from config.settings import databases, environment
from config.settings.base import *

STATE_DIR = environment.state_directory()


def _own_secret(state: Path) -> str:
    """Return the installation's secret key, made on first use and readable by its owner only."""
    file = state / "secret_key"
    try:
        return file.read_text(encoding="ascii")
    except FileNotFoundError:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = secrets.token_urlsafe(48)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process of this installation was first
        return file.read_text(encoding="ascii") or key
    with os.fdopen(handle, "w", encoding="ascii") as written:
        written.write(key)
    return key


# Lazily: only who uses the key makes the file, and not a command that is about to choose another directory.
SECRET_KEY = SECRET_KEY or cast("str", SimpleLazyObject(lambda: _own_secret(STATE_DIR)))
ALLOWED_HOSTS = ALLOWED_HOSTS or ["localhost", "127.0.0.1", "[::1]"]

DATABASE_URL = environment.text("DATABASE_URL")
DATABASES = {
    "default": databases.from_url(DATABASE_URL)
    if DATABASE_URL
    else databases.sqlite(STATE_DIR / "db.sqlite3")
}

_SOCKET_URL = f"redis+socket://{environment.broker_socket(STATE_DIR)}"
CELERY_BROKER_URL = environment.text("CPDS_BROKER_URL") or f"{_SOCKET_URL}?virtual_host=0"
CELERY_RESULT_BACKEND = environment.result_url(CELERY_BROKER_URL)
CPDS = {**CPDS, "mode": "standalone"}
