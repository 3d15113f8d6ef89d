"""What a task says about being undone."""

from typing import Any

from pydantic import ConfigDict, Field

from tasks_app.planning.definition.spec_types import RunName, Spec


class CompensateSpec(Spec):
    """What undoes a completed task; its templates see the task's own ``output``."""

    model_config = ConfigDict(title="Compensate")

    run: RunName = Field(description="The executor or Python function that undoes the task.")
    arguments: dict[str, Any] = Field(
        default_factory=dict,
        alias="with",
        title="With",
        description="What it is given. Templates know {{ output }} besides what the task's own know.",
    )
