"""Rows of a SELECT as models: whole rows of a model, of others that are joined to it, and annotations."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, models

Row = TypeVar("Row", bound=models.Model)
Convert = Callable[[Any], Any]


class ModelReader(Generic[Row]):
    """Reads rows whose columns are those of the models, in the order of their fields, then the annotations.

    ``along`` names what is joined, as ``select_related`` does; of what is joined to another, that first.
    """

    def __init__(
        self, *, model: type[Row], along: Sequence[str], annotations: Mapping[str, "models.Field[Any, Any]"]
    ) -> None:
        self._model = model
        self._along = along
        self._annotations = annotations

    @property
    def columns(self) -> list[str]:
        """The names of the columns that it reads."""
        own = [str(field.column) for part in self._parts for field in part.fields]
        return own + list(self._annotations)

    def read(self, row: Sequence[Any]) -> Row:
        """Return the model of a row, with what is joined to it."""
        first, *others = self._parts
        found: Row = first.read(row)
        by_path: dict[str, Any] = {"": found}
        for part in others:
            owner = by_path[part.owner]
            by_path[part.path] = part.read(row) if owner is not None else None
            if owner is not None:
                setattr(owner, part.name, by_path[part.path])
        for place, (name, convert) in enumerate(self._extras, start=first.start + self._width):
            setattr(found, name, _converted(row[place], convert))
        return found

    @cached_property
    def _width(self) -> int:
        return sum(len(part.fields) for part in self._parts)

    @cached_property
    def _extras(self) -> list[tuple[str, Convert | None]]:
        return [(name, _conversion(field)) for name, field in self._annotations.items()]

    @cached_property
    def _parts(self) -> "list[_Part]":
        return list(_parts(self._model, self._along))


class _Part:
    """The columns of one model in a row."""

    def __init__(self, path: str, model: type[models.Model], start: int) -> None:
        self.path = path
        self.owner, _, self.name = path.rpartition("__")
        self.start = start
        self.fields = model._meta.concrete_fields  # noqa: SLF001
        self._model = model
        self._names = [field.attname for field in self.fields]
        self._key = self.fields.index(model._meta.pk)  # noqa: SLF001
        self._conversions = [
            (place, convert)
            for place, field in enumerate(self.fields)
            if (convert := _conversion(field)) is not None
        ]

    def read(self, row: Sequence[Any]) -> Any:
        """Return the model, or None where nothing was joined."""
        values = list(row[self.start : self.start + len(self.fields)])
        if values[self._key] is None:
            return None
        for place, convert in self._conversions:
            values[place] = _converted(values[place], convert)
        return self._model.from_db(DEFAULT_DB_ALIAS, self._names, values)


def _parts(model: type[models.Model], along: Sequence[str]) -> Iterator[_Part]:
    by_path, start = {"": model}, 0
    for path in ("", *along):
        if path:
            owner, _, name = path.rpartition("__")
            by_path[path] = by_path[owner]._meta.get_field(name).related_model  # type: ignore[assignment]  # noqa: SLF001
        part = _Part(path, by_path[path], start)
        start += len(part.fields)
        yield part


def _converted(value: Any, convert: Convert | None) -> Any:
    return value if value is None or convert is None else convert(value)


def _conversion(field: "models.Field[Any, Any]") -> Convert | None:
    """Return what makes a value of a field of what the driver gives; None: nothing need be done."""
    if isinstance(field, models.JSONField):
        return json.loads
    if connection.vendor != "sqlite":
        return None
    if isinstance(field, models.DateTimeField):
        return _in_utc
    return bool if isinstance(field, models.BooleanField) else None


def _in_utc(value: datetime | str) -> datetime:
    """Return a time of SQLite: of a column a naive one, of an expression a text."""
    read = datetime.fromisoformat(value) if isinstance(value, str) else value
    return read.replace(tzinfo=UTC)
