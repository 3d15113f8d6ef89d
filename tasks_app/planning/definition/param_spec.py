"""What a workflow says about one of its parameters."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from tasks_app.outcomes import JSON
from tasks_app.planning.source.problems import described, shown

ParamType = Literal["string", "integer", "number", "boolean", "array", "object"]

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
_SPOKEN: Final[dict[str, str]] = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}
_MOST_SHOWN = 10


class ParamSpec(BaseModel):
    """A parameter: its type, its default, its bounds.

    A parameter without a default must be given, unless ``required: false``: then
    it is null when it is not given.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, title="Parameter")

    type: ParamType | None = Field(
        default=None, description="What the value must be; anything when left out."
    )
    default: Any = Field(default=None, description="The value when none is given.")
    required: bool | None = Field(default=None, description="Whether a value must be given.")
    minimum: int | float | None = Field(
        default=None, description="The least number, or fewest characters or items."
    )
    maximum: int | float | None = Field(
        default=None, description="The largest number, or most characters or items."
    )
    enum: list[Any] | None = Field(default=None, min_length=1, description="The only values allowed.")
    secret: bool = Field(default=False, description="Hide the value wherever it is shown.")
    description: str = Field(default="", description="What the parameter is for.")

    @property
    def has_default(self) -> bool:
        """Whether a default was given, which may be null."""
        return "default" in self.model_fields_set

    @property
    def is_required(self) -> bool:
        """Whether a value must be given."""
        return not self.has_default if self.required is None else self.required

    def text_type(self) -> str | None:
        """Return the type a text from a command line is read as: declared, or that of the default."""
        if self.type is not None or self.default is None:
            return self.type
        return next(name for name, types in _TYPES.items() if type(self.default) in types)

    def described(self, value: JSON) -> str:
        """Return what was given as a message may name it."""
        return "something else, which is secret" if self.secret else described(value)

    def objections(self, value: JSON) -> list[str]:
        """Return what is wrong with a value for this parameter."""
        seen = self.described(value)
        if self.type is not None and not _is_a(value, self.type):
            return [f"expected {_SPOKEN[self.type]}, found {seen}"]
        found = []
        if self.enum is not None and not any(_same(value, allowed) for allowed in self.enum):
            choices = ", ".join(shown(allowed) for allowed in self.enum[:_MOST_SHOWN])
            found.append(f"expected one of {choices}, found {seen}")
        amount, unit = _amount(value)
        if amount is not None and self.minimum is not None and amount < self.minimum:
            found.append(f"expected at least {self.minimum}{unit}, found {seen}")
        if amount is not None and self.maximum is not None and amount > self.maximum:
            found.append(f"expected at most {self.maximum}{unit}, found {seen}")
        return found

    def to_json(self) -> JSON:
        """Return the shortest form that is read back as this very parameter."""
        given = {
            name: getattr(self, name) for name in ParamSpec.model_fields if name in self.model_fields_set
        }
        if set(given) == {"default"} and not is_declaration(self.default):
            return self.default
        if given.keys().isdisjoint({"type", "required"}):
            given["required"] = None
        return given

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "ParamSpec":
        found = list(self._contradictions())
        if self.has_default and self.default is not None:
            found += [f"the default does not fit: {objection}" for objection in self.objections(self.default)]
        for allowed in self.enum or ():
            if self.type is not None and not _is_a(allowed, self.type):
                found.append(f"enum has {described(allowed)}, which is not {_SPOKEN[self.type]}")
        if found:
            raise ValueError("; ".join(found))
        return self

    def _contradictions(self) -> list[str]:
        found = []
        if self.required and self.has_default:
            found.append("a required parameter has no use for a default")
        if self.secret and self.has_default and self.default is not None:
            found.append("a secret may not stand in the workflow as a default")
        if None not in (self.minimum, self.maximum) and self.minimum > self.maximum:  # type: ignore[operator]
            found.append(f"minimum {self.minimum} is more than maximum {self.maximum}")
        if (self.minimum, self.maximum) != (None, None) and self.type == "boolean":
            found.append("true and false have neither minimum nor maximum")
        return found


def is_declaration(raw: Any) -> bool:
    """Return whether what stands under a parameter's name declares it, and is not its plain default."""
    if not isinstance(raw, dict) or raw.keys().isdisjoint({"type", "required"}):
        return False
    return raw.keys() <= ParamSpec.model_fields.keys()


def _declared(raw: Any) -> Any:
    return raw if isinstance(raw, ParamSpec) or is_declaration(raw) else {"default": raw}


class _DeclarationOrDefault:
    """Tells editors that a parameter is a declaration or any plain value."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        declaration = handler(core)
        looks_declared = {
            "type": "object",
            "propertyNames": {"enum": list(ParamSpec.model_fields)},
            "anyOf": [{"required": ["type"]}, {"required": ["required"]}],
        }
        return {
            "description": "A default value, or a declaration with a type or required.",
            "if": looks_declared,
            "then": declaration,
        }


Param = Annotated[ParamSpec, BeforeValidator(_declared), _DeclarationOrDefault()]

PARAM_NAME_PATTERN = r"^[^\s=.\[\]'\"\x00-\x1f]{1,100}$"
_PARAM_NAME = re.compile(PARAM_NAME_PATTERN.removesuffix("$") + r"\Z")


def param_name(name: str) -> str:
    """Return a parameter's name.

    :raises ValueError: when it could not be written on a command line or in a template.
    """
    if not _PARAM_NAME.match(name):
        raise ValueError(
            f"a parameter's name has no spaces, =, dots, brackets or quotes, found {described(name)}"
        )
    return name


def _is_a(value: JSON, type_: str) -> bool:
    if isinstance(value, bool):
        return type_ == "boolean"
    return isinstance(value, _TYPES[type_])


def _same(one: JSON, other: JSON) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _amount(value: JSON) -> tuple[float | None, str]:
    match value:
        case bool():
            return None, ""
        case int() | float():
            return value, ""
        case str():
            return len(value), " characters"
        case list() | dict():
            return len(value), " items"
        case _:
            return None, ""
