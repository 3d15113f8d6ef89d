"""What pydantic found wrong with the shape of a workflow, in plain sentences."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from tasks_app.planning.findings import Finding
from tasks_app.planning.param_spec import ParamSpec
from tasks_app.planning.problems import Path, Suggestions, described
from tasks_app.planning.spec import Defaults, TaskSpec, WorkflowSpec
from tasks_app.planning.yaml_scalars import UNREADABLE, has_unreadable

_EXPECTED: Final[Mapping[str, str]] = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_NOT_KEYS: Final = frozenset({"[key]"})
_SYNONYMS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("depends_on", "depend_on", "depends", "dependencies", "after"), "needs"),
    **dict.fromkeys(("executor", "uses", "function", "job", "type"), "run"),
    **dict.fromkeys(("args", "arguments", "input", "inputs", "params"), "with"),
    **dict.fromkeys(("steps", "jobs"), "tasks"),
    "parameters": "params",
    "capabilities": "requires",
    "labels": "tags",
}


def findings_of(error: ValidationError, raw: Any) -> Iterator[Finding]:
    """Yield one finding for each value that is wrong, in plain words."""
    models: list[type[BaseModel]] = [WorkflowSpec, TaskSpec, Defaults, ParamSpec]
    suggestions: dict[type[BaseModel], Suggestions] = {model: Suggestions(_keys(model)) for model in models}
    reported: set[Path] = set()
    for detail in error.errors(include_url=False):
        found = detail["input"]
        if found is UNREADABLE or (detail["type"] == "value_error" and has_unreadable(found)):
            continue
        if detail["type"] == "too_short" and found:  # it counts only the items that are right
            continue
        path = _path_in(raw, detail["loc"], is_missing=detail["type"] == "missing")
        if path in reported:
            continue
        reported.add(path)
        yield _finding(detail, path, suggestions)


def _finding(detail: Any, path: Path, suggestions: Mapping[type[BaseModel], Suggestions]) -> Finding:
    kind, found = detail["type"], detail["input"]
    if kind == "extra_forbidden":
        hint = _key_hint(path, suggestions)
        return Finding(
            code="unknown_key", path=path, message=f"unknown key {path[-1]!r}", hint=hint, at_key=True
        )
    if kind == "missing":
        message = f"{path[-1]!r} is missing"
        return Finding(code="missing_key", path=path[:-1], message=message, hint=f"add {path[-1]}: …")
    at_key = detail["loc"][-1] in _NOT_KEYS
    if kind in _EXPECTED:
        message = f"expected {_EXPECTED[kind]}, found {described(found)}"
        return Finding(
            code="wrong_type", path=path, message=message, hint=_type_hint(kind, found), at_key=at_key
        )
    return Finding(code="bad_value", path=path, message=_sentence(detail), at_key=at_key)


def _sentence(detail: Any) -> str:
    found, context = described(detail["input"]), detail.get("ctx", {})
    match detail["type"]:
        case "value_error":
            return str(context["error"])
        case "string_too_short" | "too_short":
            return f"expected at least {context['min_length']} {_unit(detail['type'])}, found {found}"
        case "string_too_long":
            return f"expected at most {context['max_length']:,} characters, found {len(detail['input']):,}"
        case "too_long":
            return f"expected at most {context['max_length']:,} {_unit(detail['type'])}, found {found}"
        case "literal_error":
            return f"expected {context['expected']}, found {found}"
        case _:
            return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}, found {found}"


def _unit(kind: str) -> str:
    return "character(s)" if kind.startswith("string") else "item(s)"


def _type_hint(kind: str, found: Any) -> str:
    if found is None:
        return "give it a value, or leave the key out"
    if kind in {"list_type", "tuple_type"} and isinstance(found, str):
        return f"write [{found[:40]}]"
    if kind == "string_type" and isinstance(found, int | float):
        return "put it in quotes"
    return ""


def _path_in(raw: Any, loc: tuple[str | int, ...], *, is_missing: bool) -> Path:
    """Return the part of ``loc`` that exists in the document: pydantic adds steps of its own."""
    path: Path = ()
    value = raw
    for step in loc:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return (*path, step) if is_missing else path
        path = (*path, step)
    return path


def _model_of(path: Path) -> type[BaseModel]:
    match path:
        case ("tasks", int(), *_):
            return TaskSpec
        case ("defaults", *_):
            return Defaults
        case ("params", *_):
            return ParamSpec
        case _:
            return WorkflowSpec


def _key_hint(path: Path, suggestions: Mapping[type[BaseModel], Suggestions]) -> str:
    model = _model_of(path[:-1])
    key = str(path[-1])
    synonym = _SYNONYMS.get(key.lower())
    if synonym in _keys(model):
        return f"did you mean {synonym!r}?"
    return suggestions[model].for_(key) or f"known keys: {', '.join(_keys(model))}"


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]
