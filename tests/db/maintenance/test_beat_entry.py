"""The sweep as beat keeps it in its tables."""

import pytest
from django.conf import settings
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import ModelEntry

from config.settings import environment
from cpds.celery import app

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("asked", "whole"), [(0.2, 1), (1, 1), (2, 2), (2.5, 3)])
def test_it_rings_in_whole_seconds_since_the_tables_drop_fractions(asked, whole):
    entry = {**settings.CELERY_BEAT_SCHEDULE["sweep"], "schedule": environment.whole_seconds(asked)}

    ModelEntry.from_entry("sweep", app=app, **entry)

    assert PeriodicTask.objects.get(name="sweep").interval.every == whole


def test_what_it_rang_expires():
    ModelEntry.from_entry("sweep", app=app, **settings.CELERY_BEAT_SCHEDULE["sweep"])

    (kept,) = PeriodicTask.objects.filter(name="sweep")
    assert kept.expire_seconds == 6
    assert ModelEntry(kept, app=app).options["expires"] == 6
