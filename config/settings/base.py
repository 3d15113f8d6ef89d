"""What every mode shares."""

from dataclasses import fields
from pathlib import Path

from kombu import Exchange, Queue

from config.settings import environment
from cpds.base.conf import Conf

BASE_DIR = Path(__file__).resolve().parent.parent.parent

DEBUG = False
SECRET_KEY = environment.text("SECRET_KEY")
ALLOWED_HOSTS = environment.words("CPDS_ALLOWED_HOSTS")

INSTALLED_APPS = [
    "cpds.host.web.apps.OperatorsAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "django_celery_beat",
    "tasks_app",
    "workers_app",
    "cpds.host.standalone",
    "cpds.host.web",
]

MIDDLEWARE = [
    "cpds.host.health.middleware.answer_probes",
    "cpds.api.middleware.requests_with_an_origin",
    "cpds.api.middleware.pages_with_a_policy",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "cpds.urls"
ASGI_APPLICATION = "cpds.asgi.application"
WSGI_APPLICATION = "cpds.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "static/"
# Static files are served from the packages themselves: nothing to collect on a new machine.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"

# The HTTP API -------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tasks_app.api.authentication.BearerAuthentication",
        "tasks_app.api.authentication.StaffSession",
        "tasks_app.api.authentication.LocalTrust",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["tasks_app.api.permissions.RoleReaches"],
    "DEFAULT_THROTTLE_CLASSES": ["tasks_app.api.throttling.Throttle"],
    "DEFAULT_RENDERER_CLASSES": [
        "cpds.api.responses.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": ["cpds.api.requests.parsers.JSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "cpds.api.requests.negotiation.JSONUnlessBrowsed",
    "DEFAULT_SCHEMA_CLASS": "cpds.api.schema.generator.EndpointSchema",
    "EXCEPTION_HANDLER": "cpds.api.responses.refusals.answer_error",
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "CPDS",
    "DESCRIPTION": "Durable pipelines of Claude agents. The conventions are in docs/api.md.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "An access token of /api/v1/auth/token, or an API token.",
            }
        }
    },
    # Words stay where they are used: a component for each set of words would need a name of its own.
    "POSTPROCESSING_HOOKS": ["cpds.host.health.schema.with_health"],
}
SIMPLE_JWT = {"ALGORITHM": "HS256", "USER_ID_CLAIM": "sub"}
# Browsers may call the API from these sites only; by default from none but this one.
CORS_ALLOWED_ORIGINS = environment.words("CPDS_CORS_ORIGINS")
CORS_URLS_REGEX = r"^/api/.*$"
CORS_ALLOW_HEADERS = [
    *("accept", "authorization", "content-type", "idempotency-key", "if-match", "if-none-match"),
    *("x-cpds-project", "x-request-id"),
]
CORS_EXPOSE_HEADERS = [
    *("Allow", "ETag", "Location", "Retry-After", "Idempotency-Replayed", "X-Request-ID", "X-Next-Cursor"),
    *("RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
]
# Django spools a body to disk beyond this; what the API takes at most is CPDS["body_bytes"].
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024

# CPDS ---------------------------------------------------------------------------------------------
# Every value, its default, its unit and its variable: cpds/base/conf.py.
CPDS = environment.overrides(fields(Conf))
CPDS["heartbeat_seconds"] = environment.number(
    "CPDS_HEARTBEAT_SECONDS", environment.number("CPDS_RENEW_SECONDS")
)
CPDS["lease_seconds"] = environment.number(
    "CPDS_LEASE_SECONDS", max(Conf.lease_seconds, 3 * CPDS["heartbeat_seconds"])
)
CPDS["state_dir"] = str(environment.state_directory())
CPDS["model_prices_file"] = str(BASE_DIR / Conf.model_prices_file)

# Celery -------------------------------------------------------------------------------------------
# Rows are the truth and the broker only notifies (docs/architecture.md), so the broker is asked for low
# latency and never for durability.
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_TASK_DEFAULT_QUEUE = "cpds"
# Both by default; a worker of its own for listeners: -Q cpds.listeners.
CELERY_TASK_QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in ("cpds", "cpds.listeners")]
CELERY_TASK_ROUTES = {"cpds.deliver_events": {"queue": "cpds.listeners"}}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED = False
CELERY_RESULT_EXPIRES = 86_400
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = 20
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 30
# Celery would open a new connection to the database for every task. A thread keeps its own; one that breaks
# is closed by whoever meets the error: workers_app/attempts/perform.py and services/attempts/reports.py.
CELERY_DB_REUSE_MAX = 1_000_000_000
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 43_200,
    "socket_timeout": 5,
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {
    "visibility_timeout": 43_200,
    "socket_timeout": 5,
    "retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.2},
}
CELERY_BEAT_SCHEDULER = "cpds.beat:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 2

CELERY_BEAT_SCHEDULE = {
    # An operator sees and pauses it in the admin like any periodic task. A message that waited for a free
    # slot for long is worth nothing any more: the next one does the same.
    "sweep": {
        "task": "cpds.sweep",
        "schedule": environment.whole_seconds(CPDS["sweep_seconds"]),
        "options": {"expire_seconds": environment.whole_seconds(3 * CPDS["sweep_seconds"])},
    },
}

# Mail, for the listener that sends it. Without a server mails are printed by the worker.
EMAIL_HOST = environment.text("CPDS_SMTP_HOST")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
EMAIL_PORT = int(environment.number("CPDS_SMTP_PORT"))
EMAIL_HOST_USER = environment.text("CPDS_SMTP_USERNAME")
EMAIL_HOST_PASSWORD = environment.text("CPDS_SMTP_PASSWORD")
EMAIL_USE_TLS = environment.flag("CPDS_SMTP_STARTTLS")
EMAIL_USE_SSL = environment.flag("CPDS_SMTP_TLS")
EMAIL_TIMEOUT = environment.number("CPDS_SMTP_TIMEOUT_SECONDS")
DEFAULT_FROM_EMAIL = environment.text("CPDS_MAIL_FROM")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr"], "level": environment.text("CPDS_LOG_LEVEL")},
    "loggers": {
        "httpx": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        "httpcore2": {"level": "WARNING"},
        # One line per message is the broker's view; the ledger's own events say more, once.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        # A stranger who names another host gets 400, which django.request notes; no traceback is owed for it.
        "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
        # It advises a restart when the broker is away; here the sweep publishes again what was not.
        "celery.backends": {"handlers": ["nowhere"], "propagate": False},
    },
}
