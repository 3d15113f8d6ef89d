"""What a template reads, found by looking at it, without rendering anything."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from unicodedata import normalize

from jinja2 import TemplateSyntaxError, nodes

from tasks_app.planning.source.problems import Path, Suggestions
from tasks_app.planning.templates.sandbox import KNOWN_FILTERS, MAPPING_METHODS, ROOTS, TemplateSandbox

SANDBOX = TemplateSandbox()
MAX_DEPTH = 100
"""Nodes inside one another; deeper templates would overflow the compiler's stack."""

_MAX_NESTED_LOOPS = 10
_ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem,
    nodes.Slice, nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand, nodes.BinExpr, nodes.UnaryExpr,
    nodes.Concat, nodes.CondExpr, nodes.If, nodes.For, nodes.Assign, nodes.With, nodes.List, nodes.Dict,
    nodes.Pair, nodes.Tuple, nodes.Keyword, nodes.Call,
)  # fmt: skip
_LOOP_ONLY = "loop"


@dataclass(frozen=True)
class Reading:
    """What one template text reads. ``problems`` are sentences; with any, it must not be rendered.

    ``roots`` are the names every template starts from, as far as it uses them; names
    that are known only in some places are among the ``unknown_roots``.

    ``dynamic_tasks`` says that it computes which task it reads, so that nobody can
    tell before it runs; that is among the problems too.
    """

    tasks: frozenset[str] = frozenset()
    params: frozenset[str] = frozenset()
    roots: frozenset[str] = frozenset()
    unknown_roots: frozenset[str] = frozenset()
    dynamic_tasks: bool = False
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class References:
    """What all templates in a value read together; a problem comes with its path in the value."""

    tasks: frozenset[str]
    params: frozenset[str]
    unknown_roots: frozenset[str]
    dynamic_tasks: bool
    problems: tuple[tuple[Path, str], ...]


def is_template(text: str) -> bool:
    """Return whether a text holds anything Jinja2 would act on."""
    return "{{" in text or "{%" in text or "{#" in text


def templates_in(value: Any) -> Iterator[tuple[Path, str]]:
    """Yield every template text in a value, with its path, in the order of the value."""
    pending: list[tuple[Path, Any]] = [((), value)]
    while pending:
        path, item = pending.pop()
        if isinstance(item, str):
            if is_template(item):
                yield path, item
        elif isinstance(item, dict):
            pending.extend([((*path, key), child) for key, child in item.items()][::-1])
        elif isinstance(item, list | tuple):
            pending.extend([((*path, index), child) for index, child in enumerate(item)][::-1])


def has_template(value: Any) -> bool:
    """Return whether there is a template anywhere in a value. Keys are never templates."""
    return next(templates_in(value), None) is not None


def references(value: Any) -> References:
    """Return what the templates anywhere in a value read."""
    readings = [(path, read_template(text)) for path, text in templates_in(value)]
    return References(
        tasks=frozenset[str]().union(*(reading.tasks for _, reading in readings)),
        params=frozenset[str]().union(*(reading.params for _, reading in readings)),
        unknown_roots=frozenset[str]().union(*(reading.unknown_roots for _, reading in readings)),
        dynamic_tasks=any(reading.dynamic_tasks for _, reading in readings),
        problems=tuple((path, problem) for path, reading in readings for problem in reading.problems),
    )


def parse_template(text: str) -> nodes.Template:
    """Return a template's syntax tree.

    :raises ValueError: with a sentence, when it is not a template.
    """
    try:
        return SANDBOX.parse(text)
    except TemplateSyntaxError as error:
        line = f" (line {error.lineno} of the text)" if error.lineno > 1 else ""
        raise ValueError(f"the template cannot be read: {error.message}{line}") from None
    except RecursionError:
        raise ValueError("the template is nested too deep") from None
    except Exception as error:
        raise ValueError(f"the template cannot be read: {error}") from None


@lru_cache(maxsize=4096)
def read_template(text: str) -> Reading:
    """Return what one template text reads, and everything wrong with it."""
    try:
        return _Reader().read(parse_template(text))
    except ValueError as error:
        return Reading(problems=(str(error),))


@dataclass
class _Reader:
    tasks: set[str] = field(default_factory=set)
    params: set[str] = field(default_factory=set)
    loaded: set[str] = field(default_factory=set)
    stored: set[str] = field(default_factory=set)
    dynamic_tasks: bool = False
    problems: dict[str, None] = field(default_factory=dict)

    def read(self, template: nodes.Template) -> Reading:
        pending: list[tuple[nodes.Node, nodes.Node | None, int, int]] = [(template, None, 0, 0)]
        while pending:
            node, parent, depth, loops = pending.pop()
            if depth > MAX_DEPTH or loops > _MAX_NESTED_LOOPS:
                self._object("the template is nested too deep")
                break
            self._visit(node, parent)
            loops += isinstance(node, nodes.For)
            children = [(child, node, depth + 1, loops) for child in node.iter_child_nodes()]
            pending.extend(reversed(children))
        self._judge_names()
        return Reading(
            tasks=frozenset(self.tasks),
            params=frozenset(self.params),
            roots=frozenset(self.loaded.intersection(ROOTS)),
            unknown_roots=frozenset(self.loaded - self.stored - set(ROOTS)),
            dynamic_tasks=self.dynamic_tasks,
            problems=tuple(self.problems),
        )

    def _object(self, sentence: str) -> None:
        self.problems[sentence] = None

    def _visit(self, node: nodes.Node, parent: nodes.Node | None) -> None:
        if not isinstance(node, _ALLOWED):
            self._object(f"{_spoken(node)} may not be used in a workflow")
        match node:
            case nodes.Name():
                self._visit_name(node, parent)
            case (
                nodes.Getattr(node=nodes.Name(name=root), attr=attr)
                | nodes.Getitem(node=nodes.Name(name=root), arg=nodes.Const(value=str() as attr))
            ):
                self._visit_access(root, attr, called=isinstance(parent, nodes.Call) and parent.node is node)
            case nodes.For(recursive=True):
                self._object("recursive loops may not be used in a workflow")
            case nodes.For():
                self.stored.add(_LOOP_ONLY)
            case nodes.Filter(name=name) if name not in KNOWN_FILTERS:
                self._object(_unknown("filter", name, KNOWN_FILTERS))
            case nodes.Test(name=name) if name not in SANDBOX.tests:
                self._object(_unknown("test", name, SANDBOX.tests))
            case _:
                pass
        if isinstance(node, nodes.Getattr) and node.attr.startswith("__"):
            self._object(f"attributes that start with an underscore cannot be read ({node.attr!r})")

    def _visit_name(self, node: nodes.Name, parent: nodes.Node | None) -> None:
        if node.ctx != "load":
            self.stored.add(node.name)
            return
        self.loaded.add(node.name)
        if node.name == "tasks" and not _reads_constant(parent):
            self._make_dynamic()

    def _visit_access(self, root: str, attr: str, *, called: bool) -> None:
        is_method = called and attr in MAPPING_METHODS
        if root == "tasks" and is_method:
            self._make_dynamic()
        elif root == "tasks":
            self.tasks.add(normalize("NFC", attr))
        elif root == "params" and not is_method:
            self.params.add(attr)

    def _make_dynamic(self) -> None:
        self.dynamic_tasks = True
        self._object(
            "which task is read must be plain, as in tasks.name or tasks['name']; it may not be computed"
        )

    def _judge_names(self) -> None:
        for name in sorted(self.stored.intersection(ROOTS)):
            self._object(f"{name!r} may not be given a new value")


def _reads_constant(parent: nodes.Node | None) -> bool:
    match parent:
        case nodes.Getattr() | nodes.Getitem(arg=nodes.Const(value=str())):
            return True
        case _:
            return False


def _unknown(kind: str, name: str, known: Any) -> str:
    meant = Suggestions(known).for_(name)
    return f"there is no {kind} {name!r} in templates" + (f"; {meant}" if meant else "")


def _spoken(node: nodes.Node) -> str:
    word = type(node).__name__
    spoken = {
        "CallBlock": "call",
        "FromImport": "import",
        "AssignBlock": "set … endset",
        "NSRef": "namespace",
    }
    return f"{{% {spoken.get(word, word.lower())} %}}"
