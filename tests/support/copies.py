"""Many rows in a moment: copies of one, made by the database."""

from collections.abc import Mapping

from django.db import connection, models


def copy_row(
    row: models.Model,
    *,
    number: int,
    numbered: Mapping[str, str],
    changed: Mapping[str, object] | None = None,
) -> None:
    """Insert ``number`` copies of a row, and let the database count what its tables hold now.

    :param numbered: columns that tell the copies apart, each with what stands before the number.
    :param changed: columns that differ from the row's, each with its value.
    """
    table = connection.ops.quote_name(row._meta.db_table)
    columns, values, given = [], [], []
    for field in row._meta.concrete_fields:
        if field.primary_key or getattr(field, "generated", False):
            continue
        columns.append(connection.ops.quote_name(field.column))
        if field.column in numbered:
            values.append("%s || n")
            given.append(numbered[field.column])
        elif field.column in (changed or {}):
            values.append("%s")
            given.append((changed or {})[field.column])
        else:
            values.append(f"{table}.{columns[-1]}")
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s)"
            f" INSERT INTO {table} ({', '.join(columns)})"
            f" SELECT {', '.join(values)} FROM {table}, numbers WHERE {table}.id = %s",
            [number, *given, row.pk],
        )
        cursor.execute("ANALYZE")
