"""Check that the keys of a task make sense together."""

from collections.abc import Iterator

from tasks_app.planning.definition.checks.outline import Outline, TaskOutline
from tasks_app.planning.definition.join_spec import AT_LEAST
from tasks_app.planning.source.findings import Finding
from tasks_app.planning.source.problems import shortened

_NOT_CONTINUOUS = {
    "workflow": "a child workflow ends by itself; only a run can be continuous",
    "for_each": "a continuous task is one stream and cannot be repeated for each item",
    "compensate": "a continuous task is never completed, so there is nothing to compensate",
    "approval": "a continuous task cannot wait for an approval; let a task before it ask",
}
_BUFFER_KEYS = ("buffer_size", "flush_interval")


def check_combinations(outline: Outline) -> Iterator[Finding]:
    """Yield what contradicts itself in a task, or has no effect there."""
    for task in outline.tasks:
        yield from _what_runs(task, outline.name)
        yield from _mode(task)
        yield from _join(task)
        if "max_parallel" in task.given and "for_each" not in task.given:
            message = "max_parallel of a task counts the items of its for_each, and it has none"
            yield _clash(task, "max_parallel", message, "add for_each, or set it for the workflow")


def _what_runs(task: TaskOutline, own_workflow: str | None) -> Iterator[Finding]:
    if {"run", "workflow"} <= task.given:
        yield _clash(task, "workflow", "a task has either run or workflow, not both", "remove one of them")
    elif task.given.isdisjoint({"run", "workflow"}):
        message = "'run' is missing"
        hint = "add run: …, or workflow: … for a child instance"
        yield Finding(code="missing_key", path=task.path, message=message, hint=hint)
    if task.workflow is not None and task.workflow == own_workflow:
        message = f"the workflow {shortened(repr(own_workflow))} would start itself without end"
        yield Finding(code="own_workflow", path=(*task.path, "workflow"), message=message)


def _mode(task: TaskOutline) -> Iterator[Finding]:
    if task.is_continuous:
        for key, message in _NOT_CONTINUOUS.items():
            if key in task.given:
                yield _clash(task, key, message, "remove it, or mode: continuous")
        return
    for key in _BUFFER_KEYS:
        if key in task.given:
            yield _clash(task, key, f"{key} belongs to a continuous task", "add mode: continuous")


def _join(task: TaskOutline) -> Iterator[Finding]:
    count = len({name for _, name in task.needs})
    path = (*task.path, "join")
    match task.join:
        case "any" if count == 0:
            message = "any of no needs is never satisfied"
            yield Finding(code="bad_join", path=path, message=message, hint="add needs, or remove join")
        case {"at_least": int() as least} if not isinstance(least, bool) and least > count:
            message = f"at least {least} of {count} needs is never satisfied"
            hint = f"expected 1 to {count}" if count else "add needs, or remove join"
            yield Finding(code="bad_join", path=(*path, AT_LEAST), message=message, hint=hint)


def _clash(task: TaskOutline, key: str, message: str, hint: str) -> Finding:
    return Finding(code="bad_combination", path=(*task.path, key), message=message, hint=hint, at_key=True)
