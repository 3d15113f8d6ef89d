"""One file per table."""

from workers_app.models.worker import Worker

__all__ = ["Worker"]
