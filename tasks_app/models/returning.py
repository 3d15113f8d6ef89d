"""UPDATE … RETURNING, which Django's ORM of this version does not speak."""

from collections.abc import Mapping
from typing import Any, cast

from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.models.sql import UpdateQuery


def can_return(using: str) -> bool:
    """Return whether an UPDATE can give back columns; MySQL and MariaDB cannot."""
    return connections[using].vendor in {"sqlite", "postgresql"}


def update_returning(
    queryset: models.QuerySet[Any], changes: Mapping[str, Any], returning: tuple[str, ...]
) -> list[tuple[Any, ...]]:
    """Update the rows of ``queryset`` and return columns of those that changed, in one statement.

    Databases that cannot do it lock the rows, update them, and read them again.
    """
    if not can_return(queryset.db):
        keys = list(queryset.select_for_update().values_list("pk", flat=True))
        rows = queryset.model._default_manager.filter(pk__in=keys)  # noqa: SLF001
        rows.update(**changes)
        return list(rows.values_list(*returning))
    try:
        statement, params = returning_sql(queryset, changes, returning)
    except EmptyResultSet:  # the filter can fit no row, for example an empty list of keys
        return []
    with connections[queryset.db].cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())


def returning_sql(
    queryset: models.QuerySet[Any], changes: Mapping[str, Any], returning: tuple[str, ...]
) -> tuple[str, tuple[Any, ...]]:
    """Return the statement and its parameters.

    :raises EmptyResultSet: when the filter can fit no row.
    """
    connection = connections[queryset.db]
    query = cast("UpdateQuery", queryset.query.chain(UpdateQuery))
    query.add_update_values(dict(changes))
    statement, params = query.get_compiler(queryset.db).as_sql()
    meta, quote = queryset.model._meta, connection.ops.quote_name  # noqa: SLF001
    table = f"{quote(meta.db_table)}." if connection.vendor == "postgresql" else ""
    columns = ", ".join(f"{table}{quote(meta.get_field(name).column)}" for name in returning)
    return f"{statement} RETURNING {columns}", tuple(params)
