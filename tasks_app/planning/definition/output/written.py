"""A workflow the way a person would write it down, as plain values that mean the same workflow."""

from typing import Any, Final

from tasks_app.outcomes import JSON
from tasks_app.planning.definition.spec import PRIORITIES, WorkflowSpec

_TOP_KEYS: Final = tuple(field.alias or name for name, field in WorkflowSpec.model_fields.items())
_PRIORITY_WORDS: Final = {number: word for word, number in PRIORITIES.items()}


def own_definition(spec: WorkflowSpec) -> dict[str, JSON]:
    """Return the canonical definition without the timeouts that tasks have from the workflow's defaults."""
    definition = spec.to_json()
    default = spec.defaults.timeout_seconds
    for task, raw in zip(spec.tasks, definition["tasks"], strict=True):
        if default is not None and task.timeout_seconds == default and not task.is_continuous:
            del raw["timeout"]
    return definition


def written(spec: WorkflowSpec) -> dict[str, JSON]:
    """Return the definition in its short forms: words for priorities, whole seconds without a point."""
    definition = own_definition(spec)
    for task in definition["tasks"]:
        _shorten_task(task)
    schedule = definition.get("schedule")
    if schedule is not None and set(schedule) == {"cron"}:
        definition["schedule"] = schedule["cron"]
    for part in (definition, definition.get("defaults", {})):
        _shorten_spans(part, "timeout")
    return {key: definition[key] for key in _TOP_KEYS if key in definition}


def _shorten_task(task: dict[str, Any]) -> None:
    _shorten_spans(task, "timeout", "flush_interval")
    if "priority" in task:
        task["priority"] = _PRIORITY_WORDS.get(task["priority"], task["priority"])
    if "approval" in task:
        _shorten_spans(task["approval"], "expires")
    if "retry" in task:
        _shorten_spans(task["retry"], "interval", "max_interval")
        if set(task["retry"]) == {"count"}:
            task["retry"] = task["retry"]["count"]


def _shorten_spans(part: dict[str, Any], *keys: str) -> None:
    for key in keys:
        if key in part and part[key] == int(part[key]):
            part[key] = int(part[key])
