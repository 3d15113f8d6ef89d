"""What a workflow is: one model for the YAML file, the editors' schema and the stored definition.

The model knows the shape of each value. What ties tasks together (names, needs,
cycles, references) is checked by ``validation``; a definition read back from
the database was checked before it was stored.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Final
from unicodedata import category, normalize

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from tasks_app.outcomes import JSON
from tasks_app.planning.durations import DURATION_PATTERN, LONGEST_SECONDS, parse_duration
from tasks_app.planning.param_spec import PARAM_NAME_PATTERN, Param, ParamSpec, param_name
from tasks_app.planning.problems import described
from tasks_app.planning.templates import references

MAX_TASKS = 10_000
PRIORITIES: Final[Mapping[str, int]] = {"low": 2, "normal": 5, "high": 7, "critical": 9}
"""The words for a priority; 9 goes first."""

_WORKFLOW_NAME: Final = r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$"
_CAPABILITY: Final = r"^[a-z0-9][a-z0-9_.-]{0,63}$"
_LONGEST_NAME: Final = 200
_LONGEST_TEXT: Final = 10_000
_INVISIBLE: Final = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_UNPRINTABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


def _workflow_name(name: str) -> str:
    if not re.match(_WORKFLOW_NAME.removesuffix("$") + r"\Z", name):
        raise ValueError(f"expected 1 to 64 of a-z, 0-9 and - (not first or last), found {described(name)}")
    return name


def _task_name(name: str) -> str:
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise ValueError(f"expected 1 to {_LONGEST_NAME} characters, found {len(name)}")
    if name != name.strip():
        raise ValueError(f"expected no space at either end, found {described(name)}")
    if _INVISIBLE.search(name) or any(category(character) in _UNPRINTABLE for character in name):
        raise ValueError(f"expected no control or invisible characters, found {described(name)}")
    return normalize("NFC", name)


def _capability(word: str) -> str:
    if not re.match(_CAPABILITY.removesuffix("$") + r"\Z", word):
        raise ValueError(f"expected a word of a-z, 0-9, _, . and -, found {described(word)}")
    return word


def _priority(value: Any) -> int:
    if isinstance(value, str) and value in PRIORITIES:
        return PRIORITIES[value]
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 9:
        return value
    raise ValueError(
        f"expected low, normal, high, critical or a whole number 0 to 9, found {described(value)}"
    )


def _task_count(tasks: Any) -> Any:
    # Before the tasks are looked at: too many are refused without looking at any.
    if isinstance(tasks, list | tuple) and not 1 <= len(tasks) <= MAX_TASKS:
        raise ValueError(f"expected 1 to {MAX_TASKS:,} tasks, found {len(tasks):,}")
    return tasks


TaskName = Annotated[
    str,
    AfterValidator(_task_name),
    WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": _LONGEST_NAME, "pattern": r"^\S(?:.*\S)?$"}
    ),
]
Capability = Annotated[
    str, AfterValidator(_capability), WithJsonSchema({"type": "string", "pattern": _CAPABILITY})
]
ParamName = Annotated[
    str, AfterValidator(param_name), WithJsonSchema({"type": "string", "pattern": PARAM_NAME_PATTERN})
]
Priority = Annotated[
    int,
    BeforeValidator(_priority),
    WithJsonSchema(
        {
            "anyOf": [{"enum": list(PRIORITIES)}, {"type": "integer", "minimum": 0, "maximum": 9}],
            "default": "normal",
        }
    ),
]
Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST_SECONDS},
                {"type": "string", "pattern": DURATION_PATTERN},
            ],
            "examples": [60, "30s", "5m", "1h30m"],
        }
    ),
]


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Defaults(_Spec):
    """What every task has that does not say otherwise."""

    timeout_seconds: Duration | None = Field(
        default=None, alias="timeout", title="Timeout", description="How long one attempt may take."
    )


class TaskSpec(_Spec):
    """One task of a workflow."""

    model_config = ConfigDict(title="Task")

    name: TaskName = Field(description="Unique in the workflow; any text.")
    description: str = Field(
        default="", max_length=_LONGEST_TEXT, description="What the task does, for people."
    )
    run: str = Field(
        min_length=1,
        max_length=_LONGEST_NAME,
        description="The executor (claude, shell_command, http_request) or Python function that performs it.",
    )
    arguments: dict[str, Any] = Field(
        default_factory=dict,
        alias="with",
        title="With",
        description="What the executor is given. Texts are templates: {{ params.x }}, {{ tasks.a.output }}.",
    )
    needs: Annotated[tuple[TaskName, ...], Field(strict=False)] = Field(
        default=(), description="The tasks that must be completed before this one starts."
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

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The tasks whose outputs its templates refer to, in the order of their names."""
        return tuple(sorted(references(self.arguments).tasks))


class WorkflowSpec(_Spec):
    """A workflow: tasks and what they need."""

    model_config = ConfigDict(title="CPDS workflow")

    name: Annotated[str, AfterValidator(_workflow_name)] = Field(
        description="Unique in the project.", json_schema_extra={"pattern": _WORKFLOW_NAME}
    )
    description: str = Field(default="", max_length=_LONGEST_TEXT, description="What the workflow is for.")
    params: dict[ParamName, Param] = Field(
        default_factory=dict,
        description="What an instance is started with: default values, or declarations.",
        json_schema_extra={"additionalProperties": False},
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
            self.__dict__["tasks"] = tuple(
                task
                if task.timeout_seconds is not None
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


__all__ = ["Defaults", "ParamSpec", "TaskSpec", "WorkflowSpec"]
