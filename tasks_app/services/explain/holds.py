"""The words for what holds a task or an instance."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class HoldKind(StrEnum):
    """What kind of thing holds a task."""

    INSTANCE_OVER = "instance_over"
    MAX_INSTANCES = "max_instances"
    ADMISSION = "admission"
    PAUSE = "pause"
    STOPPING = "stopping"
    COMPENSATION = "compensation"
    RUNNING = "running"
    DEPENDENCY = "dependency"
    PLANNING = "planning"
    RETRY_TIMER = "retry_timer"
    APPROVAL = "approval"
    ITEMS = "items"
    CHILD_WORKFLOW = "child_workflow"
    MESSAGE_OUT = "message_out"
    MAX_PARALLEL = "max_parallel"
    WORKFLOW_LIMIT = "workflow_limit"
    PROJECT_LIMIT = "project_limit"
    CAPABILITY_LIMIT = "capability_limit"
    SHARE = "share"
    EXTERNAL = "external"
    NO_WORKER = "no_worker"
    SLOT = "slot"
    BACKLOG = "backlog"


@dataclass(frozen=True, kw_only=True)
class Hold:
    """One thing that holds a task. ``since`` and ``until`` are None where nobody knows."""

    kind: HoldKind
    sentence: str
    since: datetime | None = None
    until: datetime | None = None
