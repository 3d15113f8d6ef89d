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

SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if environment.flag("CPDS_BEHIND_PROXY") else None
)
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
CSRF_TRUSTED_ORIGINS = environment.words("CPDS_TRUSTED_ORIGINS")
SECURE_SSL_REDIRECT = environment.flag("CPDS_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
