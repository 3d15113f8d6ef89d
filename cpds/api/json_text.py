"""JSON from strangers: read strictly, with a pointer to what is wrong.

Refused, beside what is no JSON: keys given twice, NaN and infinities, whole numbers
beyond 64 bits, NUL characters and lone surrogates, too many levels. What a database
or another language could not hold never gets past here.
"""

import json
from typing import Any, Final

from cpds.api.errors import Flaw, InvalidInput, UnreadableBody

DEEPEST: Final = 64
"""Levels of lists and objects inside one another."""
LEAST, MOST = -(2**63), 2**64 - 1
_LONGEST_NUMBER: Final = 25
_INFINITE = (float("inf"), float("-inf"))


class _Wrong:
    """Stands where a value would, until the walk that knows the way there finds it."""

    def __init__(self, code: str, detail: str) -> None:
        self.code, self.detail = code, detail


def parse_json(content: bytes) -> Any:
    """Return the value that ``content`` holds.

    :raises UnreadableBody: when it is no JSON in UTF-8.
    :raises InvalidInput: when it holds what may not be there; the flaw points to it.
    """
    reader = _Reader()
    try:
        text = content.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=reader.pairs,
            parse_int=reader.whole_number,
            parse_float=reader.number,
            parse_constant=reader.constant,
        )
    except UnicodeDecodeError as error:
        raise UnreadableBody(why=f"byte {error.start} is not UTF-8") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise UnreadableBody(why=f"{error.msg.lower()} at {where}".replace(" (char", " (")) from None
    except RecursionError:
        raise _too_deep("") from None
    if reader.is_suspicious or _may_be_deep(content) or b"\\u" in content:
        _walk(value)
    return value


class _Reader:
    """Notes what is wrong while the parser runs, at the cost of a comparison for what is right."""

    def __init__(self) -> None:
        self.is_suspicious = False

    def pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            found[twice] = self._wrong("duplicate_key", "this key stands here twice")
        return found

    def whole_number(self, text: str) -> Any:
        value = int(text) if len(text) <= _LONGEST_NUMBER else MOST + 1
        if LEAST <= value <= MOST:
            return value
        return self._wrong("number_too_large", "a whole number may have 64 bits at most")

    def number(self, text: str) -> Any:
        value = float(text)
        return self._wrong("number_too_large", "the number is too large") if value in _INFINITE else value

    def constant(self, text: str) -> Any:
        return self._wrong("not_json", f"{text} is no JSON")

    def _wrong(self, code: str, detail: str) -> _Wrong:
        self.is_suspicious = True
        return _Wrong(code, detail)


def _may_be_deep(content: bytes) -> bool:
    return content.count(b"[") + content.count(b"{") > DEEPEST


def _walk(value: Any) -> None:
    """Look at every value, without recursion, and refuse the first that may not be there."""
    ahead: list[tuple[Any, tuple[Any, ...], int]] = [(value, (), 1)]
    while ahead:
        found, way, depth = ahead.pop()
        if isinstance(found, str):
            _check_text(found, way)
        elif isinstance(found, _Wrong):
            raise InvalidInput(flaws=[Flaw(pointer=_pointer(way), code=found.code, detail=found.detail)])
        elif isinstance(found, dict | list):
            if depth > DEEPEST:
                raise _too_deep(_pointer(way))
            ahead += _inside(found, way, depth + 1)


def _inside(found: dict[str, Any] | list[Any], way: tuple[Any, ...], depth: int) -> Any:
    if isinstance(found, list):
        return [(each, (way, place), depth) for place, each in enumerate(found)]
    for key in found:
        _check_text(key, way)
    return [(each, (way, key), depth) for key, each in found.items()]


def _check_text(text: str, way: tuple[Any, ...]) -> None:
    if "\0" in text:
        raise InvalidInput(
            flaws=[Flaw(pointer=_pointer(way), code="nul_character", detail="NUL characters are not taken")]
        )
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidInput(
            flaws=[
                Flaw(pointer=_pointer(way), code="lone_surrogate", detail="half of a character stands here")
            ]
        ) from None


def _pointer(way: tuple[Any, ...]) -> str:
    steps: list[str] = []
    while way:
        way, step = way
        steps.append(str(step).replace("~", "~0").replace("/", "~1"))
    return as_text("".join(f"/{step}" for step in reversed(steps)))


def as_text(text: str) -> str:
    """Return ``text`` without what cannot be sent: half characters and NULs become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "?")


def _too_deep(pointer: str) -> InvalidInput:
    detail = f"at most {DEEPEST} levels may be inside one another"
    return InvalidInput(flaws=[Flaw(pointer=pointer, code="too_deep", detail=detail)])
