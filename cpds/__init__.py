"""Wiring on top, ground beneath: the Celery app, the entry points, and what both apps share."""

from cpds.celery import app as celery_app

__all__ = ["celery_app"]
