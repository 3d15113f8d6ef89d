"""What a workflow is: one model for the YAML file, the editors' schema and the stored definition.

The model knows the shape of each value. What ties tasks together (names, needs,
cycles, references) and which keys go together is checked by ``validation``; a
definition read back from the database was checked before it was stored.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from tasks_app.outcomes import JSON
from tasks_app.planning.definition.approval_spec import ApprovalSpec
from tasks_app.planning.definition.compensate_spec import CompensateSpec
from tasks_app.planning.definition.join_spec import JoinSpec
from tasks_app.planning.definition.param_spec import Param, ParamSpec
from tasks_app.planning.definition.retry_spec import RetrySpec
from tasks_app.planning.definition.schedule_spec import Schedule, ScheduleSpec
from tasks_app.planning.definition.spec_types import (
    LONGEST_TEXT,
    PRIORITIES,
    Duration,
    ParamName,
    Spec,
    Within,
    WorkflowName,
)
from tasks_app.planning.definition.task_spec import MAX_PARALLEL, TaskSpec
from tasks_app.planning.values.item_limits import MAX_ITEMS

MAX_TASKS = 10_000
MAX_INSTANCES = 10_000


def _task_count(tasks: Any) -> Any:
    # Before the tasks are looked at: too many are refused without looking at any.
    if isinstance(tasks, list | tuple) and not 1 <= len(tasks) <= MAX_TASKS:
        raise ValueError(f"expected 1 to {MAX_TASKS:,} tasks, found {len(tasks):,}")
    return tasks


class Defaults(Spec):
    """What every task has that does not say otherwise."""

    timeout_seconds: Duration | None = Field(
        default=None, alias="timeout", title="Timeout", description="How long one attempt may take."
    )


class WorkflowSpec(Spec):
    """A workflow: tasks and what they need."""

    model_config = ConfigDict(title="CPDS workflow")

    name: WorkflowName = Field(description="Unique in the project.")
    description: str = Field(default="", max_length=LONGEST_TEXT, description="What the workflow is for.")
    params: dict[ParamName, Param] = Field(
        default_factory=dict,
        description="What an instance is started with: default values, or declarations.",
        json_schema_extra={"additionalProperties": False},
    )
    schedule: Schedule = Field(
        default=None,
        title="Schedule",
        description="When instances start by themselves; a plain text is the cron expression.",
    )
    max_parallel: Annotated[int, Within(1, MAX_PARALLEL)] | None = Field(
        default=None, title="Max Parallel", description="How many tasks of one instance run at once."
    )
    max_instances: Annotated[int, Within(1, MAX_INSTANCES)] | None = Field(
        default=None, title="Max Instances", description="How many instances run at once; the rest wait."
    )
    max_running: Annotated[int, Within(1, MAX_PARALLEL)] | None = Field(
        default=None,
        title="Max Running",
        description="How many tasks of all its instances run at once, as the newest version says.",
    )
    timeout_seconds: Duration | None = Field(
        default=None, alias="timeout", title="Timeout", description="How long a whole instance may take."
    )
    on_failure: Literal["stop", "continue", "compensate"] = Field(
        default="stop",
        description="After a task failed: start nothing new, go on with the rest, or undo what was done.",
    )
    defaults: Defaults = Field(
        default=Defaults(), title="Defaults", description="Values for every task that does not set its own."
    )
    tasks: Annotated[tuple[TaskSpec, ...], Field(strict=False), BeforeValidator(_task_count)] = Field(
        description="The tasks, in any order.", json_schema_extra={"minItems": 1, "maxItems": MAX_TASKS}
    )

    @model_validator(mode="after")
    def _apply_defaults(self) -> "WorkflowSpec":
        timeout = self.defaults.timeout_seconds
        if timeout is not None:
            # A continuous task is not meant to end, so it has a timeout only when it asks for one.
            self.__dict__["tasks"] = tuple(
                task
                if task.timeout_seconds is not None or task.is_continuous
                else task.model_copy(update={"timeout_seconds": timeout})
                for task in self.tasks
            )
        return self

    def to_json(self) -> dict[str, JSON]:
        """Return the canonical definition: what differs from the defaults, durations in seconds."""
        definition = self.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"params"})
        if self.params:
            definition["params"] = {name: param.to_json() for name, param in self.params.items()}
        return definition

    @classmethod
    def from_json(cls, definition: Mapping[str, JSON]) -> "WorkflowSpec":
        """Return the workflow whose ``to_json`` gave ``definition``."""
        return cls.model_validate(dict(definition))

    def digest(self) -> str:
        """Return the SHA-256 of the canonical definition: equal for equal workflows."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


__all__ = [
    "MAX_ITEMS",
    "MAX_PARALLEL",
    "MAX_TASKS",
    "PRIORITIES",
    "ApprovalSpec",
    "CompensateSpec",
    "Defaults",
    "JoinSpec",
    "ParamSpec",
    "RetrySpec",
    "ScheduleSpec",
    "TaskSpec",
    "WorkflowSpec",
]
