"""Workers over HTTP, in Python: everything a program needs to take tasks of CPDS and perform them.

Runs where there is neither Django nor Celery; its one dependency is ``httpx2``. See docs/http-workers.md.
"""

from workers_app.sdk.context import Context
from workers_app.sdk.errors import AgentError, Refused, Stopped, TaskFailed, Unreachable
from workers_app.sdk.handlers import Result
from workers_app.sdk.worker import Tally, WorkerAgent

__all__ = [
    "AgentError",
    "Context",
    "Refused",
    "Result",
    "Stopped",
    "Tally",
    "TaskFailed",
    "Unreachable",
    "WorkerAgent",
]
