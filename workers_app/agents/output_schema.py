"""Structured answers: which output schemas can be asked for, and whether an answer keeps to one."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

JSON: TypeAlias = Any
_SHAPES: Final = ("type", "anyOf", "oneOf", "allOf", "enum", "const", "$ref")


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """An answer that is not what the schema asks for."""

    message: str
    path: str = ""


def schema_problem(schema: Mapping[str, JSON]) -> str | None:
    """Return why ``schema`` cannot be asked of Claude, in one sentence; None when it can."""
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(dict(schema))
    except SchemaError as error:
        return f"It is not a JSON Schema: {error.message} (at {_where(error.absolute_path)})."
    resolver = Registry().with_resource("", DRAFT202012.create_resource(schema)).resolver()
    for path, part in _subschemas(schema, ()):
        if not isinstance(part, dict) or not any(word in part for word in _SHAPES):
            return f"The part at {_where(path)} must say its type."
        if isinstance(part.get("type"), list):
            return f"The part at {_where(path)} has several types; write them with anyOf."
        if "$ref" in part and not _resolves(part["$ref"], resolver):
            return f"The part at {_where(path)} refers to {part['$ref']!r}, which is not in the schema."
    return None


def parse_answer(text: str, schema: Mapping[str, JSON]) -> JSON | Mismatch:
    """Return the JSON value of ``text``, or the ``Mismatch`` when it is not what ``schema`` asks for."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        return Mismatch(message=f"The answer is not JSON: {error}.")
    validator = validator_for(schema, default=Draft202012Validator)(schema, registry=Registry())
    worst = best_match(validator.iter_errors(value))
    if worst is None:
        return value
    place = _where(worst.absolute_path)
    return Mismatch(
        message=f"The answer does not match output_schema at {place}: {worst.message[:300]}", path=place
    )


def _subschemas(schema: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    yield path, schema
    if not isinstance(schema, dict):
        return
    for word in ("properties", "$defs"):
        for name, part in schema.get(word, {}).items():
            yield from _subschemas(part, (*path, word, name))
    if "items" in schema:
        yield from _subschemas(schema["items"], (*path, "items"))
    for word in ("anyOf", "oneOf", "allOf"):
        for position, part in enumerate(schema.get(word, [])):
            yield from _subschemas(part, (*path, word, position))


def _resolves(reference: str, resolver: Any) -> bool:
    if not reference.startswith("#"):
        return False
    try:
        resolver.lookup(reference)
    except Unresolvable:
        return False
    return True


def _where(path: Any) -> str:
    return "/".join(str(step) for step in path) or "the top"


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON value")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number
