"""Jinja2 in a closed room: plain data in, plain data out, everything measured.

A template reaches items of mappings and lists, a fixed list of methods and
filters, and nothing else: no attribute of any Python object, no globals.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from types import BuiltinMethodType
from typing import Any

from jinja2 import nodes, pass_context
from jinja2.filters import FILTERS
from jinja2.runtime import Context, LoopContext, StrictUndefined, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from tasks_app.planning.source.problems import described, shortened
from tasks_app.planning.templates import operations
from tasks_app.planning.templates.limits import counted, sized, step, to_text

ROOTS = ("params", "tasks", "instance", "task")
"""The names every template starts from."""

TEXT_METHODS = operations.words(
    "capitalize casefold count endswith find index isalnum isalpha isdigit islower isnumeric isspace "
    "istitle isupper join lower lstrip partition removeprefix removesuffix replace rfind rindex "
    "rpartition rsplit rstrip split splitlines startswith strip swapcase title upper"
)
MAPPING_METHODS = frozenset({"get", "items", "keys", "values"})
LIST_METHODS = frozenset({"count", "index"})
_LOOP_ATTRIBUTES = operations.words(
    "changed cycle depth depth0 first index index0 last length nextitem previtem revindex revindex0"
)
_GROUP_ATTRIBUTES = frozenset({"grouper", "list"})


class Missing(StrictUndefined):
    """A name that is not there: any use of it is an error that says what is."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        return f"{self._undefined_name!r} is not defined here; templates know {', '.join(ROOTS)}"


class TemplateSandbox(ImmutableSandboxedEnvironment):
    """The environment every template of every workflow is compiled in."""

    intercepted_binops = frozenset(operations.OPERATORS)

    def __init__(self) -> None:
        # Nothing may be computed while compiling, where no meter runs: neither by
        # the optimizer nor by output folding, which a finalizer with context turns off.
        super().__init__(
            undefined=Missing,
            autoescape=False,
            optimized=False,
            keep_trailing_newline=True,
            finalize=_finalize,
            cache_size=0,
        )
        self.globals.clear()
        self.binop_table = dict(operations.OPERATORS)
        allowed = operations.FILTERS_ALLOWED
        self.filters = {name: _measured(function) for name, function in allowed.items()}
        self.filters |= operations.INTERNAL_FILTERS

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return an item, else an allowed method: ``output.items`` is the item when there is one."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, Undefined):
            return str(obj)
        return self._method(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return an item of a mapping, a list or a text; never an attribute."""
        if isinstance(obj, Undefined):
            return str(obj)
        if isinstance(obj, Mapping | list | tuple | str):
            try:
                return obj[argument]
            except (TypeError, LookupError):
                pass
        elif isinstance(argument, str):
            return self._method(obj, argument)
        return self._missing(obj, argument)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call one of the allowed methods, and measure what it made."""
        step()
        if isinstance(obj, Mapping | list | tuple | str | int | float | None):
            raise TypeError(f"{described(obj)} cannot be called")
        return sized(super().call(context, obj, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Apply an operator, and measure what it makes before it is made."""
        step()
        return super().call_binop(context, operator, left, right)

    def _method(self, obj: Any, name: str) -> Any:
        if isinstance(obj, str) and name in TEXT_METHODS:
            return _text_method(obj, name)
        if isinstance(obj, Mapping) and name in MAPPING_METHODS:
            return getattr(obj, name)
        if isinstance(obj, LoopContext) and name in _LOOP_ATTRIBUTES:
            return getattr(obj, name)
        if isinstance(obj, list | tuple) and name in LIST_METHODS:
            return getattr(obj, name)
        if isinstance(obj, tuple) and hasattr(obj, "_fields") and name in _GROUP_ATTRIBUTES:
            return getattr(obj, name)
        return self._missing(obj, name)

    def _missing(self, obj: Any, name: Any) -> Undefined:
        what = described(name)[5:] if isinstance(name, str) else f"[{described(name)}]"
        if isinstance(obj, Mapping):
            found = shortened(", ".join(map(str, list(obj)[:10]))) or "nothing"
            return self.undefined(f"there is no {what}; found {found}", name=str(name))
        if isinstance(obj, list | tuple | str) and isinstance(name, int):
            return self.undefined(f"there is no {what} in {described(obj)}", name=str(name))
        return self.undefined(f"{described(obj)} has no {what}", name=str(name))


def harden(template: nodes.Template, environment: TemplateSandbox) -> nodes.Template:
    """Return a parsed template in which loops are counted, and ``~`` and literals are measured."""
    hardened: nodes.Template = _Hardening().visit(template)
    hardened.set_environment(environment)
    return hardened


class _Hardening(NodeTransformer):
    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - jinja2's own name
        self.generic_visit(node)
        node.iter = _filtered(node.iter, "_counted")
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes, lineno=node.lineno), "_concat")

    def visit_List(self, node: nodes.List) -> nodes.Filter:  # noqa: N802
        self.generic_visit(node)
        return _filtered(node, "_sized")

    def visit_Dict(self, node: nodes.Dict) -> nodes.Filter:  # noqa: N802
        self.generic_visit(node)
        return _filtered(node, "_sized")

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Expr:  # noqa: N802
        self.generic_visit(node)
        return _filtered(node, "_sized") if node.ctx == "load" else node


def _filtered(node: Any, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


@pass_context
def _finalize(_context: Context, value: Any) -> str:
    step()
    return to_text(value)


def _measured(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that counts as a step and whose result is measured."""

    @functools.wraps(function)
    def measured(*args: Any, **kwargs: Any) -> Any:
        step()
        result = function(*args, **kwargs)
        return counted(result) if isinstance(result, Iterator) else sized(result)

    return measured


def _text_method(text: str, name: str) -> Callable[..., Any]:
    if name == "replace":
        return functools.partial(operations.replace, text)
    if name == "join":
        return functools.partial(operations.join_texts, text)
    method: BuiltinMethodType = getattr(text, name)
    return method


KNOWN_FILTERS = frozenset(operations.FILTERS_ALLOWED)
REFUSED_FILTERS = frozenset(FILTERS) - KNOWN_FILTERS
