"""Workers over HTTP, in Python: everything a program needs to take tasks of CPDS and perform them.

Needs no Django and nothing of CPDS's server; its one dependency is ``httpx2``. See docs/http-workers.md.
"""

from workers_app.sdk.attempt import Result
from workers_app.sdk.context import Context
from workers_app.sdk.errors import AgentError, Refused, Stopped, TaskFailed, Unreachable
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
