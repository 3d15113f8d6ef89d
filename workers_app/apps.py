"""The fleet as a Django app."""

from django.apps import AppConfig


class WorkersConfig(AppConfig):
    """Workers and executors."""

    name = "workers_app"
    verbose_name = "CPDS fleet"
