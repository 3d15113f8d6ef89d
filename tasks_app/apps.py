"""The record as a Django app."""

from django.apps import AppConfig


class TasksConfig(AppConfig):
    """Workflows, instances, tasks, execution records, events."""

    name = "tasks_app"
    verbose_name = "CPDS record"

    def ready(self) -> None:
        """Register the system checks."""
        from tasks_app import checks

        self.checks = checks
