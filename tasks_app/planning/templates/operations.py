"""Operators, text methods and filters that could make something large, each with its size checked first."""

import html
import operator
import re
from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import Environment, pass_environment
from jinja2.filters import FILTERS, make_attrgetter

from tasks_app.planning.templates.limits import (
    LimitExceeded,
    counted,
    require_bits,
    require_size,
    sized,
    text_size,
    to_json_text,
    to_text,
)


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


_HARMLESS_FILTERS = words(
    "abs capitalize count d default dictsort filesizeformat first float groupby int items last length "
    "list lower map max min reject rejectattr reverse select selectattr sort title trim truncate "
    "unique upper urlencode wordcount"
)
"""Jinja2's own filters whose result is about as large as what they are given."""

_DIGITS = re.compile(r"\d+|\*")
_WIDEST = 1000
_MAX_EXPONENT = 4096


def add(left: Any, right: Any) -> Any:
    """Add two numbers, or join two texts or lists."""
    if isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
        require_size(len(left) + len(right))
    return sized(left + right)


def multiply(left: Any, right: Any) -> Any:
    """Multiply two numbers, or repeat a text or a list."""
    for repeated, times in ((left, right), (right, left)):
        if isinstance(repeated, str | list | tuple) and isinstance(times, int):
            require_size(text_size(repeated) * max(times, 0))
    if isinstance(left, int) and isinstance(right, int):
        require_bits(left.bit_length() + right.bit_length())
    return left * right


def power(left: Any, right: Any) -> Any:
    """Raise one number to the power of another."""
    if isinstance(left, int) and isinstance(right, int):
        if abs(right) > _MAX_EXPONENT:
            raise LimitExceeded(f"an exponent may be at most {_MAX_EXPONENT:,}")
        require_bits(left.bit_length() * abs(right))
    return left**right


def modulo(left: Any, right: Any) -> Any:
    """Divide with a remainder, or fill a text's ``%s``."""
    if isinstance(left, str):
        widths = [_WIDEST + 1 if found == "*" else int(found[:6]) for found in _DIGITS.findall(left)]
        if max(widths, default=0) > _WIDEST:
            raise LimitExceeded(f"a width in a format may be at most {_WIDEST:,}")
        require_size(len(left) + left.count("%") * (text_size(right) + max(widths, default=0)))
    return left % right


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": operator.sub,
    "*": multiply,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": modulo,
    "**": power,
}


def replace(text: Any, old: Any, new: Any, count: Any = -1) -> str:
    """Replace one text by another."""
    text, old, new = to_text(text), to_text(old), to_text(new)
    limit = -1 if count is None else int(count)
    found = text.count(old)
    found = min(found, limit) if limit >= 0 else found
    require_size(len(text) + found * max(len(new) - len(old), 0))
    replaced: str = text.replace(old, new, limit)
    return replaced


def join_texts(separator: str, parts: Iterable[Any]) -> str:
    """Join texts; a part that is no text is written as it would be in one."""
    texts: list[str] = []
    size = 0
    for part in counted(parts):
        texts.append(to_text(part))
        size += len(texts[-1]) + len(separator)
        require_size(size)
    return separator.join(texts)


@pass_environment
def _join(environment: Environment, value: Any, d: Any = "", attribute: Any = None) -> str:
    items = value if attribute is None else map(make_attrgetter(environment, attribute), value)
    return join_texts(to_text(d), items)


@pass_environment
def _sum(environment: Environment, value: Any, attribute: Any = None, start: Any = 0) -> Any:
    total = start
    for item in counted(value if attribute is None else map(make_attrgetter(environment, attribute), value)):
        total = add(total, item)
    return total


def _concat(parts: list[Any]) -> str:
    return join_texts("", parts)


def _format(value: Any, *args: Any, **kwargs: Any) -> Any:
    return modulo(to_text(value), kwargs or args)


def _indent(value: Any, width: int = 4, first: bool = False, blank: bool = False) -> str:
    text = to_text(value)
    if not 0 <= int(width) <= _WIDEST:
        raise LimitExceeded(f"an indent may be 0 to {_WIDEST:,}")
    require_size(len(text) + (text.count("\n") + 1) * int(width))
    margin = " " * int(width)
    lines = text.split("\n")
    kept = [
        margin + line if (line or blank) and (place or first) else line for place, line in enumerate(lines)
    ]
    return "\n".join(kept)


def _round(value: Any, precision: int = 0, method: str = "common") -> Any:
    if abs(int(precision)) > 20:
        raise LimitExceeded("a precision may be at most 20")
    return FILTERS["round"](value, precision, method)


def _escape(value: Any) -> str:
    return html.escape(to_text(value))


def _to_json(value: Any, indent: int | None = None) -> str:
    return to_json_text(value, indent=indent)


FILTERS_ALLOWED: dict[str, Callable[..., Any]] = {
    **{name: FILTERS[name] for name in _HARMLESS_FILTERS},
    "e": _escape,
    "escape": _escape,
    "format": _format,
    "indent": _indent,
    "join": _join,
    "replace": replace,
    "round": _round,
    "string": to_text,
    "sum": _sum,
    "tojson": _to_json,
}

INTERNAL_FILTERS: dict[str, Callable[..., Any]] = {"_counted": counted, "_concat": _concat, "_sized": sized}
"""What the sandbox puts around loops, ``~`` and literals; no template can name them."""
