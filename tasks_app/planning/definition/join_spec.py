"""What a task needs of its ``needs``."""

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from tasks_app.outcomes import JSON
from tasks_app.planning.definition.spec_types import Spec
from tasks_app.planning.source.problems import described

AT_LEAST: Final = "at_least"
JOIN_MODES: Final = ("all", "any", "all_done")


class JoinSpec(Spec):
    """When a task has what it needs: ``mode`` is all, any, all_done or at_least, which has a count."""

    model_config = ConfigDict(title="Join")

    mode: str = "all"
    count: int | None = None

    def to_json(self) -> JSON:
        """Return the join as it is written in a file."""
        return self.mode if self.count is None else {AT_LEAST: self.count}


def read_join(value: Any) -> JoinSpec:
    """Return the join that a file or a builder asks for.

    :raises ValueError: with a sentence, when it asks for something else.
    """
    match value:
        case JoinSpec():
            return value
        case str() if value in JOIN_MODES:
            return JoinSpec(mode=value)
        case {"at_least": int() as count} if len(value) == 1 and not isinstance(count, bool) and count >= 1:
            return JoinSpec(mode=AT_LEAST, count=count)
        case _:
            raise ValueError(f"expected all, any, all_done or {{at_least: 2}}, found {described(value)}")


Join = Annotated[
    JoinSpec,
    BeforeValidator(read_join),
    PlainSerializer(JoinSpec.to_json),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(JOIN_MODES)},
                {
                    "type": "object",
                    "properties": {AT_LEAST: {"type": "integer", "minimum": 1}},
                    "required": [AT_LEAST],
                    "additionalProperties": False,
                },
            ]
        }
    ),
    Field(validate_default=False),
]
