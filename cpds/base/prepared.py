"""Statements that the ORM writes once and hot paths run many times.

Building a query with the ORM costs several times what running it does. A
prepared statement is built from a QuerySet or a row made with example values;
the places where these come out among the parameters are remembered, and other
values are put there. So the ORM stays the only author of the SQL, and what a
statement means is read in one place.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Generic, TypeVar, cast

from django.db import connections, models
from django.db.models.query import get_related_populators

Built = tuple[str, tuple[Any, ...]]
Rows = list[tuple[Any, ...]]
Row = TypeVar("Row", bound=models.Model)

KEY: Final = 7_777_777_777_777_777
SMALL: Final = 7_777_777
TEXT: Final = "example-{}"
"""Examples: values that occur nowhere else in a statement."""


class Prepared(ABC):
    """A statement with named places for values, built for each kind of database when it is first used.

    ``variant`` is asked at each run: for another answer another statement is
    built (a setting that stands in the statement's text, for example).
    """

    def __init__(
        self, *, examples: Mapping[str, Any], variant: Callable[[], Hashable] = lambda: None
    ) -> None:
        self._examples = examples
        self._variant = variant
        self._ready: dict[Hashable, tuple[str, tuple[Any, ...], Mapping[str, list[int]]]] = {}

    @abstractmethod
    def build(self, using: str) -> Built:
        """Return the statement and its parameters, made with the examples."""

    def run(self, *, using: str = "default", **values: Any) -> Rows:
        """Run the statement with these values; return the rows it gives."""
        connection, key = connections[using], self._key(using)
        if key not in self._ready:
            self._ready[key] = self._prepare(using)
        statement, params, places = self._ready[key]
        filled = list(params)
        for name, found in places.items():
            for place in found:
                filled[place] = values[name]
        with connection.cursor() as cursor:
            cursor.execute(statement, filled)
            return list(cursor.fetchall()) if cursor.description else []

    def _key(self, using: str) -> Hashable:
        return connections[using].vendor, self._variant()

    def _prepare(self, using: str) -> tuple[str, tuple[Any, ...], Mapping[str, list[int]]]:
        statement, params = self.build(using)
        places = {name: _places(params, example) for name, example in self._examples.items()}
        if missing := [name for name, found in places.items() if not found]:
            raise LookupError(f"no place for {missing} among the parameters of: {statement}")
        return statement, tuple(params), places


class PreparedSelect(Prepared):
    """A SELECT, from a function that makes its QuerySet (with ``values_list``)."""

    def __init__(self, make: Callable[..., models.QuerySet[Any, Any]], **options: Any) -> None:
        super().__init__(**options)
        self._make = make

    def build(self, using: str) -> Built:
        """Return the SELECT."""
        statement, params = self._make(**self._examples).using(using).query.sql_with_params()
        return statement, tuple(params)


class PreparedModels(Prepared, Generic[Row]):
    """A SELECT of whole rows of a model, from a function that makes its QuerySet.

    What the QuerySet loads along with them (``select_related``) and its annotations are there, too.
    """

    def __init__(self, make: Callable[..., models.QuerySet[Row]], **options: Any) -> None:
        super().__init__(**options)
        self._make = make
        self._readers: dict[Hashable, Callable[[Rows], list[Row]]] = {}

    def build(self, using: str) -> Built:
        """Return the SELECT, and keep how its rows are read."""
        compiler = self._make(**self._examples).using(using).query.get_compiler(using)
        statement, params = compiler.as_sql()
        self._readers[self._key(using)] = partial(_read, compiler, _converters(compiler), using)
        return statement, tuple(params)

    def found(self, *, using: str = "default", **values: Any) -> list[Row]:
        """Run the statement with these values; return the rows as models."""
        rows = self.run(using=using, **values)
        return self._readers[self._key(using)](rows) if rows else []


def _converters(compiler: Any) -> Any:
    return compiler.get_converters([column[0] for column in compiler.select])


def _read(compiler: Any, converters: Any, using: str, rows: Rows) -> list[Any]:
    """Do what Django does with the rows of a QuerySet."""
    kind, select = compiler.klass_info["model"], compiler.select
    places = compiler.klass_info["select_fields"]
    own = slice(places[0], places[-1] + 1)
    names = [column[0].target.attname for column in select[own]]
    # The stubs are those of a later Django, which takes one argument more.
    populators = cast("Any", get_related_populators)(compiler.klass_info, select, using)
    found = []
    for row in compiler.apply_converters(rows, converters) if converters else rows:
        each = kind.from_db(using, names, row[own])
        for populator in populators:
            populator.populate(row, each)
        for name, place in compiler.annotation_col_map.items():
            setattr(each, name, row[place])
        found.append(each)
    return found


def _places(params: Sequence[Any], example: Any) -> list[int]:
    return [place for place, param in enumerate(params) if _is_example(param, example)]


def _is_example(param: Any, example: Any) -> bool:
    unwrapped = getattr(param, "obj", param)  # psycopg wraps JSON; SQLite takes it as text
    return bool(unwrapped == example) or param == f'"{example}"'
