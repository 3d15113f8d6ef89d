"""Statements that the ORM writes once and the hot path runs many times.

Building a query with the ORM costs several times what running it does. A
prepared statement is built from a QuerySet or a row made with example values;
the places where these come out among the parameters are remembered, and other
values are put there. So the ORM stays the only author of the SQL, and what a
statement means is read in one place.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final

from django.db import connections, models
from django.db.models.sql import InsertQuery

from tasks_app.models.returning import can_return, returning_sql, update_returning

Built = tuple[str, tuple[Any, ...]]
Rows = list[tuple[Any, ...]]

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
        connection = connections[using]
        key = (connection.vendor, self._variant())
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


class PreparedUpdate(Prepared):
    """A conditional UPDATE that returns columns, from a function that makes its QuerySet and changes."""

    def __init__(
        self,
        make: Callable[..., tuple[models.QuerySet[Any], Mapping[str, Any]]],
        *,
        returning: Sequence[str],
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._make = make
        self._returning = tuple(returning)

    def build(self, using: str) -> Built:
        """Return the UPDATE."""
        queryset, changes = self._make(**self._examples)
        return returning_sql(queryset.using(using), changes, self._returning)

    def run(self, *, using: str = "default", **values: Any) -> Rows:
        """Run the update with these values; return the columns of the rows that changed."""
        if not can_return(using):
            return update_returning(*self._make(**values), self._returning)
        return super().run(using=using, **values)


class PreparedInsert(Prepared):
    """An INSERT of one row, from a function that makes the row; it returns nothing."""

    def __init__(self, make: Callable[..., models.Model], **options: Any) -> None:
        super().__init__(**options)
        self._make = make

    def build(self, using: str) -> Built:
        """Return the INSERT; columns the database fills in are left to it."""
        row = self._make(**self._examples)
        query = InsertQuery(type(row))
        query.insert_values([field for field in row._meta.concrete_fields if not field.primary_key], [row])  # noqa: SLF001
        ((statement, params),) = query.get_compiler(using).as_sql()
        return statement, tuple(params)


def stored_json(value: Any, *, using: str = "default") -> Any:
    """Return a JSON value in the form the database's driver takes."""
    return connections[using].ops.adapt_json_value(value, None)


def _places(params: Sequence[Any], example: Any) -> list[int]:
    return [place for place, param in enumerate(params) if _is_example(param, example)]


def _is_example(param: Any, example: Any) -> bool:
    unwrapped = getattr(param, "obj", param)  # psycopg wraps JSON; SQLite takes it as text
    return bool(unwrapped == example) or param == f'"{example}"'
