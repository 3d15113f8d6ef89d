"""One file per table."""

from tasks_app.models.api_token import ApiToken
from tasks_app.models.checkpoint import Checkpoint
from tasks_app.models.chore import Chore
from tasks_app.models.contract import Contract, ContractVersion
from tasks_app.models.delivery import Delivery, Listener
from tasks_app.models.dependency import Dependency
from tasks_app.models.event import Event
from tasks_app.models.idempotency_key import IdempotencyKey
from tasks_app.models.instance import Instance
from tasks_app.models.login import Login
from tasks_app.models.membership import Membership
from tasks_app.models.project import Project
from tasks_app.models.record import ExecutionRecord
from tasks_app.models.requirement import RequirementSet
from tasks_app.models.schedule import Schedule, ScheduleFire
from tasks_app.models.stream_batch import StreamBatch
from tasks_app.models.task import Task
from tasks_app.models.workflow import Workflow, WorkflowVersion

__all__ = [
    "ApiToken",
    "Checkpoint",
    "Chore",
    "Contract",
    "ContractVersion",
    "Delivery",
    "Dependency",
    "Event",
    "ExecutionRecord",
    "IdempotencyKey",
    "Instance",
    "Listener",
    "Login",
    "Membership",
    "Project",
    "RequirementSet",
    "Schedule",
    "ScheduleFire",
    "StreamBatch",
    "Task",
    "Workflow",
    "WorkflowVersion",
]
