"""The suite's mode: the database and broker that the tests started and named by the environment."""

import tempfile
from pathlib import Path

from config.settings import databases, environment
from config.settings.base import *

SECRET_KEY = "only-for-tests-" + "0" * 50
ALLOWED_HOSTS = ["*"]
DATABASE_URL = environment.text("DATABASE_URL")
DATABASES = {
    "default": databases.from_url(DATABASE_URL)
    if DATABASE_URL
    else databases.sqlite(Path(tempfile.gettempdir()) / "cpds-test" / "db.sqlite3")
}
CELERY_BROKER_URL = environment.text("CPDS_BROKER_URL") or "memory://"
CELERY_RESULT_BACKEND = environment.result_url(CELERY_BROKER_URL)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CPDS = {**CPDS, "mode": "test"}
