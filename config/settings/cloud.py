"""Many machines: PostgreSQL (or MySQL) and Redis (or RabbitMQ), told by the environment."""

from django.core.exceptions import ImproperlyConfigured

from config.settings import databases, environment
from config.settings.base import *


def _required(name: str, example: str) -> str:
    value = environment.text(name)
    if not value:
        raise ImproperlyConfigured(f"Cloud mode needs {name}, for example {example}")
    return value


SECRET_KEY = _required(
    "SECRET_KEY", "the output of: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
)
DATABASES = {
    "default": databases.from_url(_required("DATABASE_URL", "postgres://cpds:password@db:5432/cpds"))
}
CELERY_BROKER_URL = _required("CPDS_BROKER_URL", "redis://:password@redis:6379/0")
CELERY_RESULT_BACKEND = environment.result_url(CELERY_BROKER_URL)
CPDS = {**CPDS, "mode": "cloud"}

SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if environment.flag("CPDS_BEHIND_PROXY") else None
)
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
CSRF_TRUSTED_ORIGINS = environment.words("CPDS_TRUSTED_ORIGINS")
SECURE_SSL_REDIRECT = environment.flag("CPDS_SSL_REDIRECT")
# A browser that was told so refuses plain HTTP for this long, whatever is done about it here: an hour while
# an installation is being tried. From a year on the promise holds for subdomains, and may be preloaded.
SECURE_HSTS_SECONDS = int(environment.number("CPDS_HSTS_SECONDS"))
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_HSTS_SECONDS >= 31_536_000
if not SECURE_HSTS_PRELOAD:
    # They ask for subdomains and preloading, which would bind other hosts of the domain already while trying.
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
