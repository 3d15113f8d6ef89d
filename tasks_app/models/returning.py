"""UPDATE … RETURNING, which Django's ORM of this version does not speak."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import connections, models

Rows = list[tuple[Any, ...]]


def can_return(using: str) -> bool:
    """Return whether an UPDATE can give back columns; MySQL and MariaDB cannot."""
    return connections[using].vendor in {"sqlite", "postgresql"}


def update_returning(
    queryset: models.QuerySet[Any], changes: Mapping[str, Any], returning: tuple[str, ...]
) -> Rows:
    """Update the rows of ``queryset`` and return columns of those that changed, in one statement.

    Databases that cannot do it lock the rows, update them, and read them again.
    """
    if not can_return(queryset.db):
        keys = list(queryset.select_for_update().values_list("pk", flat=True))
        rows = queryset.model._default_manager.filter(pk__in=keys)  # noqa: SLF001
        rows.update(**changes)
        return list(rows.values_list(*returning))
    found: Rows = []

    def return_columns(execute: Callable[..., Any], sql: str, params: Any, many: Any, context: Any) -> Any:
        result = execute(f"{sql} RETURNING {columns}", params, many, context)
        found.extend(context["cursor"].fetchall())
        return result

    columns = _columns(queryset, returning)
    with connections[queryset.db].execute_wrapper(return_columns):
        queryset.update(**changes)
    return found


def _columns(queryset: models.QuerySet[Any], names: tuple[str, ...]) -> str:
    meta, quote = queryset.model._meta, connections[queryset.db].ops.quote_name  # noqa: SLF001
    return ", ".join(quote(meta.get_field(name).column) for name in names)
