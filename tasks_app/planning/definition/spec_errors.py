"""What pydantic found wrong with the shape of a workflow, in plain sentences."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from tasks_app.planning.definition.spec import (
    ApprovalSpec,
    CompensateSpec,
    Defaults,
    ParamSpec,
    RetrySpec,
    ScheduleSpec,
    TaskSpec,
    WorkflowSpec,
)
from tasks_app.planning.source.findings import Finding
from tasks_app.planning.source.problems import Path, Suggestions, described
from tasks_app.planning.source.yaml_scalars import UNREADABLE, has_unreadable

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
_MEANT: Final[Mapping[str, str]] = {
    "needs": "depends_on depend_on depends dependencies after",
    "run": "executor uses function job type",
    "with": "args arguments input inputs params",
    "tasks": "steps jobs",
    "params": "parameters args arguments inputs",
    "requires": "capabilities",
    "tags": "labels",
    "workflow": "subworkflow sub_workflow child call",
    "when": "condition if only_if",
    "join": "trigger_rule wait_for",
    "for_each": "foreach loop matrix each with_items map",
    "max_parallel": "concurrency parallelism max_concurrency max_active_tasks",
    "max_running": "max_tasks max_running_tasks",
    "max_instances": "max_runs max_active_runs concurrency_limit",
    "timeout": "timeout_seconds deadline",
    "retry": "retries retry_policy retry_count max_retries attempts max_attempts retry_interval",
    "count": "retries retry_count max_retries attempts max_attempts",
    "interval": "delay wait interval_seconds retry_interval",
    "max_interval": "max_delay max_wait max_interval_seconds",
    "allow_failure": "continue_on_error ignore_errors ignore_failure",
    "compensate": "compensation rollback undo on_rollback",
    "approval": "approve approvers manual",
    "by": "approvers users who",
    "expires": "expires_in expires_seconds timeout",
    "form": "schema fields",
    "mode": "streaming stream",
    "buffer_size": "buffer",
    "flush_interval": "flush flush_interval_seconds",
    "schedule": "cron cron_expr cron_expression trigger every",
    "cron": "cron_expr cron_expression expression every",
    "timezone": "tz time_zone zone",
    "catchup": "catch_up backfill",
    "paused": "disabled suspended",
    "on_failure": "on_error failure_policy",
}
_SYNONYMS: Final[Mapping[str, frozenset[str]]] = {
    word: frozenset(key for key, words in _MEANT.items() if word in words.split())
    for words in _MEANT.values()
    for word in words.split()
}
_PARTS: Final[Mapping[str, type[BaseModel]]] = {
    "retry": RetrySpec,
    "compensate": CompensateSpec,
    "approval": ApprovalSpec,
}


def findings_of(error: ValidationError, raw: Any) -> Iterator[Finding]:
    """Yield one finding for each value that is wrong, in plain words."""
    models: list[type[BaseModel]] = [WorkflowSpec, TaskSpec, Defaults, ParamSpec, ScheduleSpec]
    models += _PARTS.values()
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
        case ("tasks", int(), str() as part, *_) if part in _PARTS:
            return _PARTS[part]
        case ("tasks", int(), *_):
            return TaskSpec
        case ("schedule", *_):
            return ScheduleSpec
        case ("defaults", *_):
            return Defaults
        case ("params", *_):
            return ParamSpec
        case _:
            return WorkflowSpec


def _key_hint(path: Path, suggestions: Mapping[type[BaseModel], Suggestions]) -> str:
    model = _model_of(path[:-1])
    key = str(path[-1])
    meant = _SYNONYMS.get(key.lower(), frozenset())
    for known in _keys(model):
        if known in meant:
            return f"did you mean {known!r}?"
    return suggestions[model].for_(key) or _elsewhere(key, model) or f"known keys: {', '.join(_keys(model))}"


def _elsewhere(key: str, model: type[BaseModel]) -> str:
    """Return where a key would be right, when a task has it and a workflow has not, or the reverse."""
    for place, other in (("a task", TaskSpec), ("the workflow", WorkflowSpec)):
        if other is not model and model in {TaskSpec, WorkflowSpec}:
            meant = _SYNONYMS.get(key.lower(), frozenset())
            for known in _keys(other):
                if known == key or known in meant:
                    return f"{known!r} is a key of {place}"
    return ""


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]
