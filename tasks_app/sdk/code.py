"""A workflow as the Python source that builds it."""

from collections.abc import Iterator, Mapping
from pprint import pformat
from typing import Any, Final

from tasks_app.outcomes import JSON
from tasks_app.planning.definition.output.written import written
from tasks_app.planning.definition.spec import WorkflowSpec

_WIDTH: Final = 90
_PLAIN: Final = {
    "timeout": "with_timeout",
    "priority": "with_priority",
    "when": "with_condition",
    "for_each": "with_for_each",
    "max_parallel": "with_max_parallel",
    "allow_failure": "with_allow_failure",
    "buffer_size": "with_buffer_size",
    "flush_interval": "with_flush_interval",
}
_SEVERAL: Final = {"needs": "with_dependencies", "requires": "with_requires", "tags": "with_tags"}
_WORKFLOW: Final = {
    "params": "with_params",
    "max_parallel": "with_max_parallel",
    "max_running": "with_max_running",
    "max_instances": "with_max_instances",
    "timeout": "with_instance_timeout",
    "on_failure": "with_on_failure",
}


def to_builder_code(spec: WorkflowSpec) -> str:
    """Return Python source that builds the same workflow, under the name ``workflow``."""
    definition = written(spec)
    builders = "RealtimeTaskBuilder, TaskBuilder, WorkflowBuilder"
    if not any(task.is_continuous for task in spec.tasks):
        builders = "TaskBuilder, WorkflowBuilder"
    elif all(task.is_continuous for task in spec.tasks):
        builders = "RealtimeTaskBuilder, WorkflowBuilder"
    lines = [f"from tasks_app.sdk import {builders}", ""]
    lines.append(f"builder = WorkflowBuilder{_arguments(*_heading(definition))}")
    lines += [f"builder{call}" for call in _workflow_calls(definition)]
    for task in definition["tasks"]:
        lines += _task_lines(task)
    lines += ["workflow = builder.build()", ""]
    return "\n".join(lines)


def _heading(part: Mapping[str, JSON]) -> Iterator[JSON]:
    yield part["name"]
    if "description" in part:
        yield part["description"]


def _workflow_calls(definition: Mapping[str, JSON]) -> Iterator[str]:
    schedule = definition.get("schedule")
    if isinstance(schedule, str):
        yield f".with_cron_expr{_arguments(schedule)}"
    elif schedule is not None:
        yield f".with_schedule{_arguments(schedule.pop('cron'), **schedule)}"
    if "defaults" in definition:
        yield f".with_default_timeout{_arguments(definition['defaults']['timeout'])}"
    for key, method in _WORKFLOW.items():
        if key in definition:
            yield f".{method}{_arguments(definition[key])}"


def _task_lines(task: Mapping[str, JSON]) -> Iterator[str]:
    is_continuous = task.get("mode") == "continuous"
    yield "builder.with_realtime_task(" if is_continuous else "builder.with_task("
    builder = "RealtimeTaskBuilder" if is_continuous else "TaskBuilder"
    for line in (f"{builder}{_arguments(*_heading(task))}", *_task_calls(task)):
        yield "    " + line.replace("\n", "\n    ")
    yield ")"


def _task_calls(task: Mapping[str, JSON]) -> Iterator[str]:
    method, name = ("with_job_function", "run") if "run" in task else ("with_workflow", "workflow")
    params = [task["with"]] if "with" in task else []
    yield f".{method}{_arguments(task[name], *params)}"
    if task.get("mode") == "continuous":
        yield ".with_continuous_mode()"
    for key, method in _SEVERAL.items():
        if key in task:
            yield f".{method}{_arguments(*task[key])}"
    for key, method in _PLAIN.items():
        if key in task:
            yield f".{method}{_arguments(task[key])}"
    yield from _part_calls(task)


def _part_calls(task: Mapping[str, JSON]) -> Iterator[str]:
    if "join" in task:
        join = task["join"]
        yield f".with_join{_arguments(join) if isinstance(join, str) else _arguments(**join)}"
    if "retry" in task:
        retry = task["retry"] if isinstance(task["retry"], dict) else {"count": task["retry"]}
        yield f".with_retry{_arguments(retry.pop('count'), **retry)}"
    if "compensate" in task:
        undoing = task["compensate"]
        params = [undoing["with"]] if "with" in undoing else []
        yield f".with_compensation{_arguments(undoing['run'], *params)}"
    if "approval" in task:
        yield f".with_approval{_arguments(**task['approval'])}"


def _arguments(*values: JSON, **named: Any) -> str:
    """Write the arguments of a call in parentheses, on several lines when they are long."""
    written_out = [_literal(value) for value in values]
    written_out += [f"{name}={_literal(value)}" for name, value in named.items()]
    one_line = f"({', '.join(written_out)})"
    if len(one_line) <= _WIDTH and "\n" not in one_line:
        return one_line
    inside = "".join("    " + text.replace("\n", "\n    ") + ",\n" for text in written_out)
    return f"(\n{inside})"


def _literal(value: JSON) -> str:
    return pformat(value, width=_WIDTH, sort_dicts=False)
