"""Schedules, and their rows in celery-beat."""
