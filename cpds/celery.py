"""The Celery application: ``celery -A cpds worker`` and ``celery -A cpds beat`` find it here."""

from celery import Celery

from config import choose_settings

choose_settings()

app = Celery("cpds")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

app.steps["worker"].add("workers_app.wakeup:WakeOnFreeSlot")
