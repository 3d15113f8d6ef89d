"""Fill in a task's ``with``.

What an upstream task produced is data: it is put where the template asks for
it, once, and never looked at as a template itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from unicodedata import normalize

from jinja2 import Template, UndefinedError, nodes

from tasks_app.outcomes import JSON
from tasks_app.planning.source.problems import Path, format_path
from tasks_app.planning.templates.errors import TemplateError, TemplateTooLarge, UndefinedReference
from tasks_app.planning.templates.limits import MAX_FIELD, MAX_VALUE, LimitExceeded, metered, plain, text_size
from tasks_app.planning.templates.reads import (
    SANDBOX,
    References,
    has_template,
    is_template,
    parse_template,
    read_template,
    references,
)
from tasks_app.planning.templates.sandbox import harden

__all__ = [
    "References",
    "TemplateError",
    "evaluate",
    "has_template",
    "is_one_expression",
    "is_template",
    "is_true",
    "references",
    "render",
]

_RESULT = "result"
_MAX_DEPTH = 100


def render(
    arguments: Mapping[str, JSON],
    *,
    params: Mapping[str, JSON],
    outputs: Mapping[str, JSON],
    instance: Mapping[str, JSON],
    task: Mapping[str, JSON],
    extra: Mapping[str, JSON] | None = None,
) -> dict[str, JSON]:
    """Return ``arguments`` with every template in it filled in.

    A text that is exactly one ``{{ expression }}`` becomes the expression's value
    and keeps its type; any other text becomes text, in which whatever is neither
    text nor number is written as JSON. Keys are left as they are. ``outputs`` holds
    what each task that is read produced; ``extra`` holds further names (``item``,
    ``index``, ``output``).

    :raises TemplateError: naming the task and the field, when something it names is
        not there, or it cannot be computed, or grows beyond its limits.
    """
    roots = {"params": params, "tasks": _Tasks(outputs), "instance": instance, "task": task, **(extra or {})}
    rendering = _Rendering(roots, str(task.get("name", "")))
    filled: dict[str, JSON] = rendering.fill(dict(arguments), ("with",))
    return filled


def evaluate(
    value: JSON,
    *,
    params: Mapping[str, JSON],
    outputs: Mapping[str, JSON],
    instance: Mapping[str, JSON],
    task: Mapping[str, JSON],
    extra: Mapping[str, JSON] | None = None,
    field: str = "template",
) -> JSON:
    """Return what a ``when`` or a ``for_each`` gives: a literal as it is, templates in it filled in.

    ``field`` is the key it stands under, for the error's sentence; everything else
    is as in ``render``.

    :raises TemplateError: as ``render`` does.
    """
    roots = {"params": params, "tasks": _Tasks(outputs), "instance": instance, "task": task, **(extra or {})}
    return _Rendering(roots, str(task.get("name", ""))).fill(value, (field,))


def is_true(value: JSON) -> bool:
    """Return whether what a ``when`` gave lets the task run.

    False, null, 0, an empty list or mapping, and the texts ``false``, ``no``, ``0``
    and nothing (in any case, with spaces around) do not.
    """
    if isinstance(value, str):
        return value.strip().casefold() not in {"", "false", "no", "0"}
    return bool(value)


def is_one_expression(text: str) -> bool:
    """Return whether a text is exactly one ``{{ expression }}``, so that its value keeps its type.

    A text that cannot be read as a template passes: what is wrong with it is said elsewhere.
    """
    if not is_template(text):
        return False
    try:
        return _only_expression(parse_template(text)) is not None
    except ValueError:
        return True


class _Tasks(Mapping[str, JSON]):
    """The tasks as templates see them: by name, however its accents are encoded."""

    def __init__(self, outputs: Mapping[str, JSON]) -> None:
        self._tasks = {normalize("NFC", name): {"output": output} for name, output in outputs.items()}

    def __getitem__(self, name: str) -> JSON:
        return self._tasks[normalize("NFC", name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)


class _Rendering:
    def __init__(self, roots: Mapping[str, Any], task: str) -> None:
        self._roots = roots
        self._task = task
        self._size = 0

    def fill(self, value: JSON, path: Path) -> JSON:
        if len(path) > _MAX_DEPTH:
            raise self._error(TemplateTooLarge, path, f"it is nested deeper than {_MAX_DEPTH} levels")
        if isinstance(value, dict):
            return {key: self.fill(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item, (*path, index)) for index, item in enumerate(value)]
        filled = self._evaluate(value, path) if isinstance(value, str) and is_template(value) else value
        self._count(filled, path)
        return filled

    def _evaluate(self, text: str, path: Path) -> JSON:
        try:
            with metered():
                return _compiled(text).evaluate(self._roots)
        except LimitExceeded as error:
            raise self._error(TemplateTooLarge, path, str(error)) from None
        except UndefinedError as error:
            raise self._error(UndefinedReference, path, str(error.message)) from None
        except Exception as error:
            raise self._error(TemplateError, path, str(error) or type(error).__name__) from None

    def _count(self, value: JSON, path: Path) -> None:
        try:
            self._size += text_size(value, limit=MAX_VALUE)
        except LimitExceeded as error:
            raise self._error(TemplateTooLarge, path, str(error)) from None
        if self._size > MAX_VALUE:
            found = f"all fields together hold more than {MAX_VALUE:,} characters"
            raise self._error(TemplateTooLarge, path, found)

    def _error(self, kind: type[TemplateError], path: Path, found: str) -> TemplateError:
        return kind(task=self._task, field=format_path(path), found=found.rstrip("."))


@dataclass(frozen=True)
class _Compiled:
    template: Template
    keeps_type: bool

    def evaluate(self, roots: Mapping[str, Any]) -> JSON:
        context = self.template.new_context(dict(roots))
        parts = []
        size = 0
        for part in self.template.root_render_func(context):
            size += len(part)
            if size > MAX_FIELD:
                raise LimitExceeded(f"it makes more than {MAX_FIELD:,} characters")
            parts.append(part)
        if not self.keeps_type:
            return "".join(parts)
        value = plain(context.vars[_RESULT])
        text_size(value, limit=MAX_FIELD)
        return value


@lru_cache(maxsize=1024)
def _compiled(text: str) -> _Compiled:
    problems = read_template(text).problems
    if problems:
        raise ValueError("; ".join(problems))
    tree = parse_template(text)
    expression = _only_expression(tree)
    if expression is not None:
        target = nodes.Name(_RESULT, "store", lineno=1)
        tree = nodes.Template([nodes.Assign(target, expression, lineno=1)], lineno=1)
    code = SANDBOX.compile(harden(tree, SANDBOX))
    return _Compiled(Template.from_code(SANDBOX, code, {}, None), keeps_type=expression is not None)


def _only_expression(tree: nodes.Template) -> nodes.Expr | None:
    match tree.body:
        case [nodes.Output(nodes=[nodes.Expr() as expression])] if not isinstance(
            expression, nodes.TemplateData
        ):
            return expression
        case _:
            return None
