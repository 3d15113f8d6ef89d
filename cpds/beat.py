"""The scheduler of celery-beat: django-celery-beat's, whose rows are switched by people only."""

from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler as WholeRowScheduler
from django_celery_beat.schedulers import ModelEntry


class Entry(ModelEntry):  # type: ignore[misc]  # Celery has no types
    """A periodic task in beat's memory, which writes back what beat counts and nothing else.

    The library reads the row, and writes all of it: now and then over a switch
    made in between, so that what was switched off is on again.
    """

    def save(self) -> None:
        """Write when it ran last, and how often. One that is off has no last run."""
        PeriodicTask.objects.filter(pk=self.model.pk, enabled=True).update(
            last_run_at=self.model.last_run_at, total_run_count=self.model.total_run_count
        )


class DatabaseScheduler(WholeRowScheduler):  # type: ignore[misc]
    """Beat's periodic tasks, kept in the database."""

    Entry = Entry
