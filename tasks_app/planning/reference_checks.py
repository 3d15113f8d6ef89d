"""Check that what templates read exists, and is there when the task starts."""

from collections.abc import Iterator
from functools import cached_property

from tasks_app.planning.findings import Finding
from tasks_app.planning.graph import ancestor_bits
from tasks_app.planning.outline import Outline, TaskOutline
from tasks_app.planning.problems import Path, Suggestions, shortened
from tasks_app.planning.template_references import Reading, read_template, templates_in
from tasks_app.planning.template_sandbox import ROOTS


def check_references(outline: Outline) -> Iterator[Finding]:
    """Yield what is wrong with the templates of all tasks."""
    checker = _Checker(outline)
    for task in outline.tasks:
        for path, text in templates_in(task.arguments or {}):
            yield from checker.check(task, (*task.path, "with", *path), read_template(text))


class _Checker:
    def __init__(self, outline: Outline) -> None:
        self._params = outline.params
        self._needs = outline.needs()
        self._tasks_meant = Suggestions(self._needs)
        self._params_meant = Suggestions(self._params)
        self._roots_meant = Suggestions(ROOTS)

    def check(self, task: TaskOutline, path: Path, reading: Reading) -> Iterator[Finding]:
        for problem in reading.problems:
            yield Finding(code="bad_template", path=path, message=problem)
        for root in sorted(reading.unknown_roots):
            message = f"the template names {root!r}, which is not known there"
            hint = self._roots_meant.for_(root) or f"templates know {', '.join(ROOTS)}"
            yield Finding(code="unknown_name", path=path, message=message, hint=hint)
        for param in sorted(reading.params - self._params):
            message = f"the template reads the parameter {shortened(repr(param))}, which is not declared"
            hint = self._params_meant.for_(param) or "declare it under params"
            yield Finding(code="undeclared_param", path=path, message=message, hint=hint)
        for name in sorted(reading.tasks):
            yield from self._read(task, path, name)

    def _read(self, task: TaskOutline, path: Path, name: str) -> Iterator[Finding]:
        quoted = shortened(repr(name))
        if name not in self._needs:
            message = f"the template reads task {quoted}, which is not in this workflow"
            yield Finding(code="unknown_task", path=path, message=message, hint=self._tasks_meant.for_(name))
        elif name == task.name:
            message = "the template reads the output of its own task"
            yield Finding(code="not_upstream", path=path, message=message)
        elif not self._is_upstream(task, name):
            message = f"the template reads task {quoted}, which need not be completed before this one starts"
            yield Finding(code="not_upstream", path=path, message=message, hint=f"add {quoted} to needs")

    def _is_upstream(self, task: TaskOutline, name: str) -> bool:
        if any(need == name for _, need in task.needs):
            return True
        bits, above = self._closure
        if task.name not in above:
            return True  # on a cycle or behind one: nothing can be told until that is cut
        return bool(above[task.name] & bits[name])

    @cached_property
    def _closure(self) -> tuple[dict[str, int], dict[str, int]]:
        return ancestor_bits(self._needs)
