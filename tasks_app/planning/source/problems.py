"""One thing wrong with what somebody wrote, and where."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeAlias

from tasks_app.outcomes import JSON

Path: TypeAlias = tuple[str | int, ...]
"""Keys and 0-based indexes from the top of a document to a value."""

_PLAIN_KEY = re.compile(r"[^\W\d][\w-]*")
_SHOWN_CHARACTERS = 60
_LONG_NUMBER = 10**30


@dataclass(frozen=True)
class Problem:
    """A sentence about one value, its place, and how to put it right.

    ``code`` is a stable word for machines. ``line`` and ``column`` count from 1
    and are None for what did not come from a text.
    """

    code: str
    message: str
    line: int | None
    column: int | None
    path: str
    hint: str = ""

    def to_json(self) -> dict[str, JSON]:
        """Return the problem as plain JSON, for an API's answer."""
        return {
            "code": self.code,
            "message": self.message,
            "line": self.line,
            "column": self.column,
            "path": self.path,
            "hint": self.hint,
        }

    def __str__(self) -> str:
        place = f"line {self.line}, column {self.column}" if self.line is not None else ""
        sentence = ": ".join(part for part in (place, self.path, self.message) if part)
        return f"{sentence} ({self.hint})" if self.hint else sentence


def format_path(path: Path) -> str:
    """Write a path the way a person would: ``tasks[3].with['a b']``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{shortened(repr(step))}]"
    return text


def shortened(text: str) -> str:
    """Cut a text to a length that fits in a sentence."""
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"


def described(value: Any) -> str:
    """Say what a value is, in the words of the person who wrote it: ``text 'abc'``."""
    if value is None or isinstance(value, bool):
        return {None: "nothing (null)", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return shortened(str(value)) if abs(value) < _LONG_NUMBER else "a very long number"
    if isinstance(value, str):
        return f"text {shortened(repr(value[:100]))}" if value else "empty text"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, dict):
        keys = ", ".join(map(str, list(value)[:5]))
        return f"a mapping with {shortened(keys)}" if value else "an empty mapping"
    return f"a {type(value).__name__}"


def shown(value: JSON) -> str:
    """Write a value as it would stand in the file, shortened."""
    return shortened(json.dumps(value, ensure_ascii=False))


class Suggestions:
    """Finds what somebody probably meant.

    Comparing is slow, so the number of comparisons one object makes is bounded:
    a file in which everything is unknown gets hints for its first mistakes only.
    """

    _COMPARISONS = 60_000
    _LONGEST = 200

    def __init__(self, known: Iterable[str]) -> None:
        self._known = sorted(set(known))
        self._left = self._COMPARISONS

    def for_(self, word: str) -> str:
        """Return ``did you mean 'x'?``, or an empty text when nothing is near."""
        if len(word) > self._LONGEST or len(self._known) > self._left:
            return ""
        self._left -= len(self._known)
        near = get_close_matches(word, self._known, n=1, cutoff=0.6)
        return f"did you mean {near[0]!r}?" if near else ""
