"""One file per table."""

from workers_app.models.worker import Worker, WorkerKind

__all__ = ["Worker", "WorkerKind"]
