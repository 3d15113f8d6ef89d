"""The Celery application: ``celery -A cpds worker`` and ``celery -A cpds beat`` find it here."""

import os
from logging.config import dictConfig
from typing import Any

from celery import Celery, signals
from click import FloatRange, IntRange, Option

from config import choose_settings

choose_settings()

# Celery would ask every system check and ignore the answers, and asking imports each page of the web server:
# half a second of every start. What cannot work is refused by workers_app/celery/hooks.py.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("cpds")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["workers_app.celery"])

app.steps["worker"].add("workers_app.celery.poll_wakeup:WakeOnFreeSlot")
app.steps["worker"].add("workers_app.celery.autoshutdown:LeaveByItself")
app.user_options["worker"].update(
    [
        Option(["--max-tasks"], type=IntRange(min=1), help="Perform this many tasks, then exit."),
        Option(["--once"], is_flag=True, help="Perform one task, then exit."),
        Option(
            ["--idle-shutdown"],
            type=FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            help="Exit when there was nothing to do for so long.",
        ),
    ]
)


@signals.setup_logging.connect
def keep_djangos_logging(**_facts: Any) -> None:
    """Log as every other process does: to stderr, at ``CPDS_LOG_LEVEL``.

    That somebody answers this signal keeps Celery from setting up logging of its
    own, so its ``-l`` and ``-f`` have no effect.
    """
    from django.conf import settings

    dictConfig(settings.LOGGING)
