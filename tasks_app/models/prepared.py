"""Prepared statements that write; see ``cpds.base.prepared`` for what that means."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import connections, models
from django.db.models.sql import InsertQuery

from cpds.base.prepared import Built, Prepared, Rows
from tasks_app.models.returning import can_return, returning_sql, update_returning


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
