"""Wiring on top, ground beneath: the Celery app, the entry points, and what both apps share."""

from cpds.celery import app as celery_app

__version__ = "0.1.0"

__all__ = ["__version__", "celery_app"]
