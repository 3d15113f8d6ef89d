"""What one task of a workflow is."""

from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from tasks_app.outcomes import JSON
from tasks_app.planning.definition.approval_spec import ApprovalSpec
from tasks_app.planning.definition.compensate_spec import CompensateSpec
from tasks_app.planning.definition.join_spec import Join, JoinSpec
from tasks_app.planning.definition.retry_spec import Retry
from tasks_app.planning.definition.spec_types import (
    LONGEST_TEXT,
    Capability,
    Duration,
    Priority,
    RunName,
    Spec,
    TaskName,
    Within,
    WorkflowName,
)
from tasks_app.planning.source.problems import described
from tasks_app.planning.templates.rendering import is_one_expression, references
from tasks_app.planning.values.item_limits import MAX_ITEMS

MAX_PARALLEL: Final = 10_000
MAX_BUFFER: Final = 1_000_000
DEFAULT_BUFFER_SIZE: Final = 1_000
DEFAULT_FLUSH_SECONDS: Final = 1.0


def _when(value: Any) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    raise ValueError(f"expected true, false or a template, found {described(value)}")


def _for_each(value: Any) -> Any:
    if isinstance(value, str):
        if is_one_expression(value.strip()):
            return value.strip()
    elif isinstance(value, list | tuple):
        if len(value) > MAX_ITEMS:
            raise ValueError(f"expected at most {MAX_ITEMS:,} items, found {len(value):,}")
        return list(value)
    elif value is None:
        return value
    raise ValueError(
        f"expected a list, or one {{{{ expression }}}} and nothing else, found {described(value)}"
    )


class TaskSpec(Spec):
    """One task of a workflow.

    Either ``run`` or ``workflow`` is set, which ``validation`` sees to.
    """

    model_config = ConfigDict(
        title="Task",
        json_schema_extra={"oneOf": [{"required": ["run"]}, {"required": ["workflow"]}]},
    )

    name: TaskName = Field(description="Unique in the workflow; any text.")
    description: str = Field(
        default="", max_length=LONGEST_TEXT, description="What the task does, for people."
    )
    run: RunName | None = Field(
        default=None,
        title="Run",
        description="The executor (claude, shell_command, http_request, external) "
        "or Python function that performs it.",
    )
    workflow: WorkflowName | None = Field(
        default=None,
        title="Workflow",
        description="In place of run: the workflow to start as a child; its final outputs are the output.",
    )
    arguments: dict[str, Any] = Field(
        default_factory=dict,
        alias="with",
        title="With",
        description="What the executor is given, or the params of the child. "
        "Texts are templates: {{ params.x }}, {{ tasks.a.output }}.",
    )
    needs: Annotated[tuple[TaskName, ...], Field(strict=False)] = Field(
        default=(), description="The tasks that must be completed before this one starts."
    )
    join: Join = Field(
        default=JoinSpec(),
        title="Join",
        description="What the task needs of its needs: all, any, all_done or {at_least: 2}.",
    )
    when: Annotated[
        bool | str | None,
        BeforeValidator(_when),
        WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "string"}]}),
    ] = Field(default=None, title="When", description="A template; when it gives false, the task is skipped.")
    for_each: Annotated[
        str | list[JSON] | None,
        BeforeValidator(_for_each),
        WithJsonSchema(
            {"anyOf": [{"type": "string", "pattern": r"\{\{"}, {"type": "array", "maxItems": MAX_ITEMS}]}
        ),
    ] = Field(
        default=None,
        title="For Each",
        description="One task per item of a list; with knows item and index. The output is the list.",
    )
    max_parallel: Annotated[int, Within(1, MAX_PARALLEL)] | None = Field(
        default=None, title="Max Parallel", description="With for_each: how many items at once."
    )
    priority: Priority = Field(default=5, description="Who goes first when slots are few; 9 first.")
    requires: Annotated[tuple[Capability, ...], Field(strict=False)] = Field(
        default=(), description="What a worker must be capable of to perform it."
    )
    tags: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], Field(strict=False)] = (
        Field(default=(), description="Words to find the task by.")
    )
    timeout_seconds: Duration | None = Field(
        default=None, alias="timeout", title="Timeout", description="How long one attempt may take."
    )
    retry: Retry = Field(
        default=None,
        title="Retry",
        description="How often a failed attempt is repeated; a plain number is the count.",
    )
    allow_failure: bool = Field(
        default=False, description="Let the instance complete, and dependants start, when this task fails."
    )
    compensate: CompensateSpec | None = Field(
        default=None, title="Compensate", description="What undoes the task when the instance is undone."
    )
    approval: ApprovalSpec | None = Field(
        default=None, title="Approval", description="The person who must agree before the task runs."
    )
    mode: Literal["once", "continuous"] = Field(
        default="once", description="A continuous task streams until its instance ends or is cancelled."
    )
    buffer_size: Annotated[int, Within(1, MAX_BUFFER)] = Field(
        default=DEFAULT_BUFFER_SIZE, description="With mode continuous: how many items one flush hands on."
    )
    flush_interval_seconds: Duration = Field(
        default=DEFAULT_FLUSH_SECONDS,
        alias="flush_interval",
        title="Flush Interval",
        description="With mode continuous: how old a buffer may become.",
    )

    @property
    def is_continuous(self) -> bool:
        """Whether it streams until its instance ends."""
        return self.mode == "continuous"

    def to_json(self) -> dict[str, JSON]:
        """Return the task as it stands in the canonical definition of its workflow."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The other tasks whose outputs its templates refer to, in the order of their names."""
        undoing = self.compensate.arguments if self.compensate is not None else None
        found = references([self.arguments, self.when, self.for_each, undoing]).tasks
        return tuple(sorted(found - {self.name}))
