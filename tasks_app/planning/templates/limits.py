"""What rendering may cost: how large a value may grow, and how long the work may take.

Templates are written by people CPDS does not know, and what they work on comes
from agents. Every value made while rendering is measured before it is made, or
before anything walks it, so that no template can exhaust a worker.
"""

import json
import math
import time
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, Sequence, ValuesView
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from jinja2.runtime import Undefined

from tasks_app.outcomes import JSON

MAX_VALUE = 8 * 1024 * 1024
"""Characters of one value while rendering, and of a whole rendered ``with``."""

MAX_FIELD = 1024 * 1024
"""Characters of one rendered field."""

MAX_STEPS = 1_000_000
MAX_SECONDS = 5.0
MAX_INTEGER_BITS = 4096
_MAX_DEPTH = 100
_OTHER_SIZE = 8
_CONTAINER_SIZE = 16


class LimitExceeded(Exception):
    """A template asked for too much; the message says of what."""


class Meter:
    """Counts the work of one rendering."""

    def __init__(self) -> None:
        self._steps = 0
        self._ends_at = time.monotonic() + MAX_SECONDS

    def step(self) -> None:
        """Count one step.

        :raises LimitExceeded: when there were too many, or they took too long.
        """
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise LimitExceeded(f"it takes more than {MAX_STEPS:,} steps")
        if time.monotonic() > self._ends_at:
            raise LimitExceeded(f"it takes more than {MAX_SECONDS:g} seconds")


_meter: ContextVar[Meter] = ContextVar("meter")


@contextmanager
def metered() -> Iterator[None]:
    """Bound the work done inside by one meter."""
    token = _meter.set(Meter())
    try:
        yield
    finally:
        _meter.reset(token)


def step() -> None:
    """Count one step of the rendering under way."""
    _meter.get().step()


def counted(items: Iterable[Any]) -> Iterator[Any]:
    """Yield the items, each counted as a step."""
    meter = _meter.get()
    for item in items:
        meter.step()
        yield item


def text_size(value: Any, *, limit: int = MAX_VALUE) -> int:
    """Return about how many characters the value has when it is written out.

    Even empty lists count for some, since looking at each takes time.

    :raises LimitExceeded: as soon as it is more than ``limit``, however much more it is.
    """
    size = 0
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            size += len(item) + 2
        elif isinstance(item, Mapping):
            size += _CONTAINER_SIZE + len(item)
            pending.extend(item.keys())
            pending.extend(item.values())
        elif isinstance(item, Sequence):
            size += _CONTAINER_SIZE + len(item)
            pending.extend(item)
        else:
            size += item.bit_length() // 3 + 1 if isinstance(item, int) else _OTHER_SIZE
        require_size(size, limit=limit)
    return size


def require_size(size: int, *, limit: int = MAX_VALUE) -> None:
    """Refuse a value that is going to be larger than ``limit``.

    :raises LimitExceeded: when it would be.
    """
    if size > limit:
        raise LimitExceeded(f"it makes a value of more than {limit:,} characters")


def sized(value: Any) -> Any:
    """Return a value that was just made, once it is known to be small enough.

    :raises LimitExceeded: when it is not.
    """
    if isinstance(value, str):
        require_size(len(value))
    elif isinstance(value, Mapping | Sequence):
        text_size(value)
    elif isinstance(value, int):
        require_bits(value.bit_length())
    return value


def require_bits(bits: int) -> None:
    """Refuse whole numbers that would take long to compute.

    :raises LimitExceeded: when ``bits`` are more than ``MAX_INTEGER_BITS``.
    """
    if bits > MAX_INTEGER_BITS:
        raise LimitExceeded("it computes a number of more than 1,200 digits")


def plain(value: Any, *, _depth: int = 0) -> JSON:
    """Return a copy of a computed value as plain JSON: a tuple or a mapped list becomes a list.

    :raises TypeError: for what JSON does not have, such as a method that was not called.
    """
    if isinstance(value, Undefined):
        str(value)
    if _depth > _MAX_DEPTH:
        raise LimitExceeded(f"its value is nested deeper than {_MAX_DEPTH} levels")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _whole(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, Mapping):
        return {_key(key): plain(item, _depth=_depth + 1) for key, item in value.items()}
    if isinstance(value, (Sequence, Iterator, ItemsView, KeysView, ValuesView)):
        return [plain(item, _depth=_depth + 1) for item in value]
    what = "a method that was not called" if callable(value) else f"a {type(value).__name__}"
    raise TypeError(f"its value is {what}, which JSON does not have")


def to_json_text(value: Any, *, indent: int | None = None) -> str:
    """Write a value as JSON, in readable characters and without escapes for HTML."""
    text_size(value)
    if indent is not None and not 0 <= indent <= _OTHER_SIZE:
        raise LimitExceeded(f"an indent may be 0 to {_OTHER_SIZE}")
    separators = (", ", ": ") if indent is None else (",", ": ")
    copied = plain(value)
    text_size(copied)
    return json.dumps(copied, ensure_ascii=False, indent=indent, separators=separators, allow_nan=False)


def to_text(value: Any) -> str:
    """Write a value into a text: texts and numbers as they are, everything else as JSON."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return str(value)
    return to_json_text(value)


def _whole(value: int) -> int:
    if not -(2**63) <= value < 2**63:
        raise LimitExceeded("its value is a whole number beyond 64 bits; make it a text")
    return int(value)


def _key(key: Any) -> str:
    if isinstance(key, str):
        return str(key)
    raise TypeError(f"its value has the key {key!r}; keys of JSON are text")
