"""Check that the tasks fit together: names, needs, cycles."""

from collections.abc import Iterator

from tasks_app.planning.definition.checks.outline import Outline, TaskOutline
from tasks_app.planning.engine.graph import find_cycles
from tasks_app.planning.source.findings import Finding
from tasks_app.planning.source.problems import Path, Suggestions, shortened

MAX_EDGES = 50_000


def check_graph(outline: Outline) -> Iterator[Finding]:
    """Yield what is wrong with the names and needs of the tasks."""
    yield from _repeated_names(outline)
    if outline.edge_count > MAX_EDGES:
        message = f"the tasks have {outline.edge_count:,} needs together; at most {MAX_EDGES:,} are allowed"
        yield Finding(
            code="too_many_needs", path=("tasks",), message=message, hint="join through a task between"
        )
        return
    names = {task.name: task.path for task in outline.tasks if task.name is not None}
    suggestions = Suggestions(names)
    for task in outline.tasks:
        yield from _needs_of(task, names, suggestions)
    yield from _cycles(outline, names)


def _repeated_names(outline: Outline) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for place, task in enumerate(outline.tasks):
        if task.name is None:
            continue
        if task.name in first:
            message = f"the task name {shortened(repr(task.name))} is there twice"
            hint = f"tasks[{outline.tasks[first[task.name]].path[1]}] has it already; choose another"
            yield Finding(code="duplicate_task", path=(*task.path, "name"), message=message, hint=hint)
        first.setdefault(task.name, place)


def _needs_of(task: TaskOutline, names: dict[str, Path], suggestions: Suggestions) -> Iterator[Finding]:
    seen: set[str] = set()
    for path, need in task.needs:
        quoted = shortened(repr(need))
        if need == task.name:
            message = f"task {quoted} needs itself"
            yield Finding(code="self_dependency", path=path, message=message, hint="remove it")
        elif need in seen:
            message = f"the dependency {quoted} is there twice"
            yield Finding(code="duplicate_need", path=path, message=message, hint="remove one")
        elif need not in names:
            message = f"there is no task {quoted} in this workflow"
            yield Finding(code="unknown_task", path=path, message=message, hint=suggestions.for_(need))
        seen.add(need)


def _cycles(outline: Outline, names: dict[str, Path]) -> Iterator[Finding]:
    needs = outline.needs()
    for cycle in find_cycles(names, needs):
        whole = " -> ".join([*cycle, cycle[0]])
        yield Finding(
            code="cycle",
            path=(*names[cycle[0]], "needs"),
            message=f"these tasks need one another in a circle: {whole}",
            hint="remove one of these needs",
        )
