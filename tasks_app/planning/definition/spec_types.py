"""The kinds of value a workflow is made of, each with its own sentence when it is wrong."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final
from unicodedata import category, normalize

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_before_validator_function

from tasks_app.planning.definition.param_spec import PARAM_NAME_PATTERN, param_name
from tasks_app.planning.definition.retry_words import RETRY_WORDS
from tasks_app.planning.source.problems import described
from tasks_app.planning.values.durations import DURATION_PATTERN, LONGEST_SECONDS, parse_duration

PRIORITIES: Final[Mapping[str, int]] = {"low": 2, "normal": 5, "high": 7, "critical": 9}
"""The words for a priority; 9 goes first."""

LONGEST_NAME: Final = 200
LONGEST_TEXT: Final = 10_000
WORKFLOW_NAME: Final = r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$"

_CAPABILITY: Final = r"^[a-z0-9][a-z0-9_.-]{0,63}$"
_INVISIBLE: Final = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_UNPRINTABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


class Spec(BaseModel):
    """A part of a workflow: never changed, and without keys nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class AlsoAs:
    """Tells editors that a value may be written in a shorter form as well."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = dict(schema)

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the schema of both forms."""
        return {"anyOf": [self._schema, handler(core)]}


class Within:
    """Marks a whole number that has bounds."""

    def __init__(self, least: int, most: int) -> None:
        self._least = least
        self._most = most

    def _checked(self, value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and self._least <= value <= self._most:
            return value
        expected = f"expected a whole number {self._least:,} to {self._most:,}"
        raise ValueError(f"{expected}, found {described(value)}")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of the number."""
        return no_info_before_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, _core: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return what editors are told of it."""
        return {"type": "integer", "minimum": self._least, "maximum": self._most}


def workflow_name(name: str) -> str:
    """Return the name of a workflow.

    :raises ValueError: when it is not a plain word.
    """
    if not re.match(WORKFLOW_NAME.removesuffix("$") + r"\Z", name):
        raise ValueError(f"expected 1 to 64 of a-z, 0-9 and - (not first or last), found {described(name)}")
    return name


def _task_name(name: str) -> str:
    if not 1 <= len(name) <= LONGEST_NAME:
        raise ValueError(f"expected 1 to {LONGEST_NAME} characters, found {len(name)}")
    if name != name.strip():
        raise ValueError(f"expected no space at either end, found {described(name)}")
    if _INVISIBLE.search(name) or any(category(character) in _UNPRINTABLE for character in name):
        raise ValueError(f"expected no control or invisible characters, found {described(name)}")
    return normalize("NFC", name)


def is_capability(word: object) -> bool:
    """Return whether a task could require this of its worker."""
    return isinstance(word, str) and bool(re.match(_CAPABILITY.removesuffix("$") + r"\Z", word))


def _capability(word: str) -> str:
    if not is_capability(word):
        raise ValueError(f"expected a word of a-z, 0-9, _, . and -, found {described(word)}")
    return word


def _retry_word(word: str) -> str:
    if word not in RETRY_WORDS:
        raise ValueError(f"expected one of {', '.join(RETRY_WORDS)}; found {described(word)}")
    return word


def _priority(value: Any) -> int:
    if isinstance(value, str) and value in PRIORITIES:
        return PRIORITIES[value]
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 9:
        return value
    raise ValueError(
        f"expected low, normal, high, critical or a whole number 0 to 9, found {described(value)}"
    )


WorkflowName = Annotated[
    str, AfterValidator(workflow_name), WithJsonSchema({"type": "string", "pattern": WORKFLOW_NAME})
]
TaskName = Annotated[
    str,
    AfterValidator(_task_name),
    WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME, "pattern": r"^\S(?:.*\S)?$"}
    ),
]
RunName = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Capability = Annotated[
    str, AfterValidator(_capability), WithJsonSchema({"type": "string", "pattern": _CAPABILITY})
]
RetryWord = Annotated[str, AfterValidator(_retry_word), WithJsonSchema({"enum": list(RETRY_WORDS)})]
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
