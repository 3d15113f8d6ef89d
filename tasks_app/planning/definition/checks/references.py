"""Check that what templates read exists, and is there when the task starts."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tasks_app.outcomes import JSON
from tasks_app.planning.definition.checks.outline import Outline, TaskOutline
from tasks_app.planning.engine.graph import ancestor_bits
from tasks_app.planning.source.findings import Finding
from tasks_app.planning.source.problems import Path, Suggestions, shortened
from tasks_app.planning.templates.reads import Reading, read_template, templates_in
from tasks_app.planning.templates.sandbox import ROOTS

_ITEM_ROOTS = ("item", "index")
_CONDITION_ROOTS = ("params", "tasks", "instance")


def check_references(outline: Outline) -> Iterator[Finding]:
    """Yield what is wrong with the templates of all tasks."""
    checker = _Checker(outline)
    for task in outline.tasks:
        for key, value, scope in _places(task):
            for path, text in templates_in(value):
                yield from checker.check(task, (*task.path, *key, *path), read_template(text), scope)


@dataclass(frozen=True)
class _Scope:
    """What templates know in one place of a task."""

    roots: tuple[str, ...]
    own_output: bool = False


def _places(task: TaskOutline) -> Iterator[tuple[Path, JSON, _Scope]]:
    """Yield every value of a task that may hold templates, where it stands, and what it may read."""
    answer = ("approval",) if "approval" in task.given else ()
    known = (*ROOTS, *answer, *_ITEM_ROOTS) if task.is_repeated else (*ROOTS, *answer)
    yield ("with",), task.arguments, _Scope(known)
    yield ("when",), task.when, _Scope(_CONDITION_ROOTS)
    yield ("for_each",), task.for_each, _Scope((*_CONDITION_ROOTS, *answer))
    if task.compensate is not None:
        scope = _Scope((*(root for root in known if root not in answer), "output"), own_output=True)
        yield ("compensate", "with"), task.compensate.arguments, scope


class _Checker:
    def __init__(self, outline: Outline) -> None:
        self._params = outline.params
        self._needs = outline.needs()
        self._tasks_meant = Suggestions(self._needs)
        self._params_meant = Suggestions(self._params)

    def check(self, task: TaskOutline, path: Path, reading: Reading, scope: _Scope) -> Iterator[Finding]:
        for problem in reading.problems:
            yield Finding(code="bad_template", path=path, message=problem)
        for root in sorted((reading.unknown_roots | reading.roots) - set(scope.roots)):
            message = f"the template names {root!r}, which is not known there"
            yield Finding(code="unknown_name", path=path, message=message, hint=_root_hint(root, scope))
        for param in sorted(reading.params - self._params):
            message = f"the template reads the parameter {shortened(repr(param))}, which is not declared"
            hint = self._params_meant.for_(param) or "declare it under params"
            yield Finding(code="undeclared_param", path=path, message=message, hint=hint)
        for name in sorted(reading.tasks):
            yield from self._read(task, path, name, scope)

    def _read(self, task: TaskOutline, path: Path, name: str, scope: _Scope) -> Iterator[Finding]:
        quoted = shortened(repr(name))
        if name not in self._needs:
            message = f"the template reads task {quoted}, which is not in this workflow"
            yield Finding(code="unknown_task", path=path, message=message, hint=self._tasks_meant.for_(name))
        elif name == task.name and scope.own_output:
            return
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


def _root_hint(root: str, scope: _Scope) -> str:
    if root in _ITEM_ROOTS:
        return f"{root} is known only in the with of a task that has for_each"
    if root == "approval":
        return "approval is known only in the with and the for_each of a task that has approval"
    if root == "output":
        return "output is known only in compensate"
    return Suggestions(scope.roots).for_(root) or f"templates know {', '.join(scope.roots)} there"
