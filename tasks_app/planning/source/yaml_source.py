"""Read a YAML text into plain values that remember where they stood.

Stricter than YAML: one document, a mapping, text keys, no anchors, aliases or
custom tags, and plain scalars as YAML 1.2 means them, so that ``no`` and ``010``
stay text. Everything wrong is collected as far as the text can be read on.
"""

from dataclasses import dataclass
from typing import Any, Final

import yaml

from tasks_app.errors import InvalidWorkflow
from tasks_app.outcomes import JSON
from tasks_app.planning.source.problems import Path, Problem, format_path, shortened
from tasks_app.planning.source.yaml_scalars import UNREADABLE, scalar_value, spoken_tag
from tasks_app.planning.source.yaml_text import TextProblem, decode

MAX_DEPTH = 50
MAX_VALUES = 250_000
"""Keys and values of one text; ten thousand tasks with fifty thousand needs have fewer."""

_COLLECTION_TAGS = {
    yaml.MappingStartEvent: "tag:yaml.org,2002:map",
    yaml.SequenceStartEvent: "tag:yaml.org,2002:seq",
}
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class _Place:
    line: int
    column: int
    key_line: int
    key_column: int


class Document:
    """A value read from a text, and the place of everything in it, counted from 1."""

    def __init__(self, value: JSON, places: dict[tuple[int, str | int], _Place], top: _Place) -> None:
        self.value = value
        self._places = places
        self._top = top

    def position(self, path: Path) -> tuple[int, int]:
        """Return the line and column of a value; of the nearest thing around it when it is not there."""
        place = self._place(path)
        return place.line, place.column

    def key_position(self, path: Path) -> tuple[int, int]:
        """Return the line and column of the key of a value; for an item of a list, of the item."""
        place = self._place(path)
        return place.key_line, place.key_column

    def _place(self, path: Path) -> _Place:
        place, value = self._top, self.value
        for step in path:
            found = self._places.get((id(value), step))
            if found is None:
                break
            place, value = found, value[step]
        return place


@dataclass(frozen=True)
class Reading:
    """What came of a text. ``document`` is None when it could not be read to its end."""

    document: Document | None
    problems: tuple[Problem, ...]


def read_yaml(source: bytes | str) -> Document:
    """Return the document in a text.

    :raises InvalidWorkflow: with every problem, when there is one.
    """
    reading = try_yaml(source)
    if reading.problems or reading.document is None:
        raise InvalidWorkflow(problems=list(reading.problems), count=len(reading.problems))
    return reading.document


def try_yaml(source: bytes | str) -> Reading:
    """Return what can be read of a text, and what is wrong with it.

    Values that could not be understood stand in the document as ``UNREADABLE``.
    """
    try:
        text = decode(source)
    except TextProblem as error:
        return Reading(None, error.problems)
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except _Stop:
        return Reading(None, tuple(builder.problems))
    except yaml.YAMLError as error:
        return Reading(None, (*builder.problems, _syntax_problem(error)))
    return Reading(builder.document(), tuple(builder.problems))


class _Stop(Exception):
    """Nothing sensible can be read after this."""


_NO_KEY: Final = object()
_DISCARD: Final = object()


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end was not met yet.

    ``path`` leads to it; ``key`` is the key that waits for its value.
    """

    value: list[Any] | dict[str, Any]
    path: Path
    key: Any = _NO_KEY
    key_line: int = 0
    key_column: int = 0


class _Builder:
    """Builds the document from the parser's events with a stack of its own."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._stack: list[_Open] = []
        self._places: dict[tuple[int, str | int], _Place] = {}
        self._top: Any = _NO_KEY
        self._top_place = _Place(1, 1, 1, 1)
        self._documents = 0
        self._values = 0
        # Values under a refused or repeated key are dropped from the document, but
        # their ids must stay taken, or the place of another value could be found.
        self._kept: list[Any] = []

    def take(self, event: Any) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._start_document(event)
            case yaml.AliasEvent():
                self._object(
                    "alias", event, f"the alias *{shortened(str(event.anchor))} cannot be used", _WRITE_OUT
                )
                self._place_value(event, UNREADABLE)
            case yaml.ScalarEvent():
                self._check_anchor(event)
                self._take_scalar(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._check_anchor(event)
                self._open(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._close()

    def document(self) -> Document | None:
        if self._top is _NO_KEY:
            self._add("empty", "the text holds no workflow", (1, 1))
        elif not isinstance(self._top, dict):
            place = self._top_place
            self._add("not_a_mapping", "expected a mapping with name and tasks", (place.line, place.column))
        else:
            return Document(self._top, self._places, self._top_place)
        return None

    def _start_document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            self._object("several_documents", event, "the text holds several documents", "send one workflow")
            raise _Stop

    def _check_anchor(self, event: Any) -> None:
        if event.anchor is not None:
            found = f"the anchor &{shortened(event.anchor)} cannot be used"
            self._object("anchor", event, found, _WRITE_OUT)

    def _take_scalar(self, event: yaml.ScalarEvent) -> None:
        is_key = self._expects_key()
        value, objection, hint = scalar_value(event, is_key=is_key)
        if objection:
            self._object("bad_key" if is_key else "bad_value", event, objection, hint)
        self._place_value(event, value)

    def _open(self, event: Any) -> None:
        if event.tag not in {None, "!", _COLLECTION_TAGS[type(event)]}:
            self._object("tag", event, f"the tag {spoken_tag(event.tag)} cannot be used", "remove it")
        if len(self._stack) >= MAX_DEPTH:
            self._object("too_deep", event, f"values are nested deeper than {MAX_DEPTH} levels", "")
            raise _Stop
        value: list[Any] | dict[str, Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        if self._expects_key():
            kind = "mapping" if isinstance(value, dict) else "list"
            self._object("bad_key", event, f"a key must be text, found a {kind}", "put templates in quotes")
        path = self._path()
        self._place_value(event, value)
        self._stack.append(_Open(value, path))

    def _close(self) -> None:
        self._kept.append(self._stack.pop().value)

    def _expects_key(self) -> bool:
        return (
            bool(self._stack) and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is _NO_KEY
        )

    def _place_value(self, event: Any, value: Any) -> None:
        self._values += 1
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if self._values > MAX_VALUES:
            self._add("too_many_values", f"the text holds more than {MAX_VALUES:,} values", (line, column))
            raise _Stop
        if not self._stack:
            self._top, self._top_place = value, _Place(line, column, line, column)
            return
        above = self._stack[-1]
        if isinstance(above.value, list):
            self._places[id(above.value), len(above.value)] = _Place(line, column, line, column)
            above.value.append(value)
        elif above.key is _NO_KEY:
            above.key = self._key(above, value, (line, column))
            above.key_line, above.key_column = line, column
        else:
            if above.key is not _DISCARD:
                above.value[above.key] = value
                place = _Place(line, column, above.key_line, above.key_column)
                self._places[id(above.value), above.key] = place
            above.key = _NO_KEY

    def _key(self, mapping: _Open, key: Any, place: tuple[int, int]) -> Any:
        if not isinstance(key, str):
            return _DISCARD
        first = self._places.get((id(mapping.value), key))
        if first is not None:
            mapping.key = key
            message = f"the key {shortened(repr(key))} is there twice; the first is at line {first.key_line}"
            self._add("duplicate_key", f"{message}, column {first.key_column}", place, "keep one of them")
            return _DISCARD
        return key

    def _object(self, code: str, event: Any, message: str, hint: str) -> None:
        self._add(code, message, (event.start_mark.line + 1, event.start_mark.column + 1), hint)

    def _add(self, code: str, message: str, place: tuple[int, int], hint: str = "") -> None:
        path = format_path(self._path())
        self.problems.append(Problem(code, message, *place, path, hint))

    def _path(self) -> Path:
        if not self._stack:
            return ()
        above = self._stack[-1]
        if isinstance(above.value, list):
            return (*above.path, len(above.value))
        return (*above.path, above.key) if isinstance(above.key, str) else above.path


_WRITE_OUT = "write the value out where it is needed"


def _syntax_problem(error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = " ".join(
        str(part) for part in (getattr(error, "context", ""), getattr(error, "problem", "")) if part
    )
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (None, None)
    message = f"not YAML: {said or 'it cannot be read'}"
    return Problem("not_yaml", message, line, column, "", "check indentation, quotes and brackets near here")
