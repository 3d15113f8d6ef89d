"""What a YAML scalar means: the core schema of YAML 1.2, without its octal and hexadecimal numbers."""

import math
import re
from typing import Any, Final

import yaml

from tasks_app.planning.source.problems import shortened

UNREADABLE: Final = type("Unreadable", (), {"__repr__": lambda _self: "UNREADABLE"})()
"""Stands in a document for a value that a problem was reported about."""

_PREFIX = "tag:yaml.org,2002:"
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LONGEST_INTEGER = 20
_LONGEST_NUMBER = 400

_Answer = tuple[Any, str, str]


def scalar_value(event: yaml.ScalarEvent, *, is_key: bool) -> _Answer:
    """Return the value of a scalar, with an objection and a hint when it cannot be used.

    The value is ``UNREADABLE`` then.
    """
    text: str = event.value
    tag: str | None = event.tag
    if _UNSTORABLE.search(text):
        return UNREADABLE, "a text may hold neither NUL nor half a character", "remove the escape"
    if tag in {None, "!"}:
        value, objection, hint = plain_value(text) if tag is None and event.implicit[0] else (text, "", "")
    else:
        value, objection, hint = _tagged_value(text, str(tag))
    if objection or not is_key:
        return value, objection, hint
    if not isinstance(value, str):
        return UNREADABLE, f"a key must be text, found {shortened(text) or 'nothing'}", "put it in quotes"
    if text == "<<" and event.implicit[0]:
        return UNREADABLE, "merge keys (<<) cannot be used", "write the keys out"
    return value, "", ""


def spoken_tag(tag: str) -> str:
    """Write a tag the way it stands in a text."""
    return shortened(tag.replace(_PREFIX, "!!"))


def plain_value(text: str) -> _Answer:
    """Return what a scalar without quotes and tag means."""
    if text in _NULL:
        return None, "", ""
    if text in _BOOLEANS:
        return _BOOLEANS[text], "", ""
    if text[0] in "-+.0123456789":
        return _number(text)
    return text, "", ""


def _number(text: str) -> _Answer:
    if _NOT_FINITE.fullmatch(text):
        return UNREADABLE, f"{text} is not a number CPDS can store", "put it in quotes if text is meant"
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if not _FLOAT.fullmatch(text):
        return text, "", ""
    number = float(text) if len(text) <= _LONGEST_NUMBER else math.inf
    if math.isfinite(number):
        return number, "", ""
    return UNREADABLE, f"{shortened(text)} is beyond what a number can hold", "put it in quotes"


def has_unreadable(value: Any) -> bool:
    """Return whether a value that was reported about is anywhere inside."""
    pending = [value]
    while pending:
        item = pending.pop()
        if item is UNREADABLE:
            return True
        if isinstance(item, dict):
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    return False


def _integer(text: str) -> _Answer:
    if len(text) <= _LONGEST_INTEGER and -(2**63) <= int(text) < 2**63:
        return int(text), "", ""
    return UNREADABLE, f"the number {shortened(text)} does not fit in 64 bits", "put it in quotes"


def _tagged_value(text: str, tag: str) -> _Answer:
    if tag == _PREFIX + "str":
        return text, "", ""
    kinds: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "float": (int, float),
        "bool": (bool,),
        "null": (type(None),),
    }
    wanted = kinds.get(tag.removeprefix(_PREFIX)) if tag.startswith(_PREFIX) else None
    if wanted is None:
        return UNREADABLE, f"the tag {spoken_tag(tag)} cannot be used", "remove it"
    value, objection, hint = plain_value(text)
    if objection:
        return value, objection, hint
    if type(value) not in wanted:
        return UNREADABLE, f"{shortened(repr(text))} is no {tag.removeprefix(_PREFIX)}", "remove the tag"
    return (float(value) if tag.endswith("float") else value), "", ""
