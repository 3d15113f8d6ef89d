"""The record as a Django app."""

import atexit
import gc

from django.apps import AppConfig


class TasksConfig(AppConfig):
    """Workflows, instances, tasks, execution records, events."""

    name = "tasks_app"
    verbose_name = "CPDS record"

    def ready(self) -> None:
        """Register the system checks, hear what concerns others, and end soon."""
        from django.db.backends.signals import connection_created
        from django.db.models.signals import pre_delete, pre_save
        from django_celery_beat.models import PeriodicTask

        from cpds.base.db import allow_full_statements
        from tasks_app import checks
        from tasks_app.services.listeners.outbox_notify import ring_after_commit
        from tasks_app.services.schedules.control import follow_deleted, follow_saved
        from tasks_app.signals import connect_notifier

        connect_notifier(lambda written: ring_after_commit(written=written))
        connection_created.connect(allow_full_statements)
        pre_save.connect(follow_saved, sender=PeriodicTask)
        pre_delete.connect(follow_deleted, sender=PeriodicTask)
        self.checks = checks
        # An interpreter that ends looks through all that was ever imported for cycles to collect, a third of
        # a second of work, which a command's user waits for and a stop's time limit pays. It all goes anyway.
        atexit.register(gc.freeze)
