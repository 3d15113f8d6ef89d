"""The ``with`` of a task: judged before it runs, parsed when it does.

Each executor describes its arguments as a subclass of ``Arguments``. What is
wrong with them is told in one sentence per field: what was found, what was
expected, and the name that was probably meant.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from cpds.base.durations import parse_duration
from cpds.base.redaction import is_secret_name, redact_text
from tasks_app.outcomes import JSON, Failed
from workers_app.executors.contract import ArgumentProblem

_SHOWN_CHARACTERS: Final = 40
_SHOWN_BELOW: Final = 1e18
_EXPECTED: Final = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "none_required": "null",
}

_M = TypeVar("_M", bound=BaseModel)


class Arguments(BaseModel):
    """Base of every executor's arguments: unknown keys are refused, nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


Seconds = Annotated[float, BeforeValidator(parse_duration)]
"""A span of time in an argument: a number of seconds, or a text such as ``30s`` or ``1h30m``."""


def check_against(
    model: type[BaseModel], arguments: Mapping[str, JSON], *, templated: frozenset[str]
) -> list[ArgumentProblem]:
    """Return what is wrong with ``arguments``, one problem per field.

    Fields named in ``templated`` are judged by their presence only.
    """
    try:
        model.model_validate(dict(arguments))
    except ValidationError as error:
        return [
            problem
            for problem in _problems(model, error)
            if not _can_only_be_judged_rendered(model, problem, templated)
        ]
    return []


def parse_arguments(model: type[_M], arguments: Mapping[str, JSON]) -> _M | Failed:
    """Return the parsed arguments, or the permanent failure that says what is wrong with them."""
    try:
        return model.model_validate(dict(arguments))
    except ValidationError as error:
        problems = list(_problems(model, error))
        sentences = [": ".join(filter(None, (p.field, p.message))) + _in_brackets(p.hint) for p in problems]
        return bad_input("; ".join(sentences), fields=[p.field for p in problems])


def bad_input(message: str, **detail: JSON) -> Failed:
    """Return the failure of a task whose arguments can never work."""
    return Failed(kind="bad_input", message=message, retryable=False, detail=detail)


def _in_brackets(hint: str) -> str:
    return f" ({hint})" if hint else ""


def _can_only_be_judged_rendered(
    model: type[BaseModel], problem: ArgumentProblem, templated: frozenset[str]
) -> bool:
    top = problem.field.partition(".")[0]
    return top in templated and top in _names(model)


def _names(model: type[BaseModel]) -> list[str]:
    return sorted(info.alias or name for name, info in model.model_fields.items())


def _problems(model: type[BaseModel], error: ValidationError) -> Iterator[ArgumentProblem]:
    """Yield one problem per top-level field, in the order pydantic found them."""
    errors = error.errors(include_url=False)
    for _, group in groupby(errors, key=lambda one: one["loc"][:1]):
        yield _problem(model, list(group))


def _problem(model: type[BaseModel], errors: Sequence[ErrorDetails]) -> ArgumentProblem:
    first = errors[0]
    top = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(top, _names(model), n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known fields: {', '.join(_names(model))}"
        return ArgumentProblem(field=top, message="is not a known field", hint=hint)
    # A union reports one error per member, its path ending in the member's tag.
    path = ".".join(map(str, first["loc"])) if len(errors) == 1 else top
    if first["type"] == "missing":
        return ArgumentProblem(field=path, message="is required and missing")
    if first["type"] in {"value_error", "assertion_error"} and "ctx" in first:
        expected = str(first["ctx"]["error"])
    else:
        wanted = (_EXPECTED.get(one["type"], one["msg"].lower()) for one in errors)
        expected = "expected " + " or ".join(dict.fromkeys(wanted))
    if not first["loc"]:
        return ArgumentProblem(field="", message=expected)
    return ArgumentProblem(field=path, message=f"{expected}, found {_found(path, first['input'])}")


def _found(path: str, value: Any) -> str:
    """Describe a value that was refused without giving away what may be secret."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"the number {value}" if abs(value) < _SHOWN_BELOW else "a huge number"
    if isinstance(value, str):
        secret = "." in path or is_secret_name(path) or len(value) > _SHOWN_CHARACTERS
        return "a text" if secret else f"the text {redact_text(value)!r}"
    return "a mapping" if isinstance(value, Mapping) else "a list"
