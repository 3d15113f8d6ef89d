"""Texts inside a column of JSON: which rows have one at a place, asked in each database's own way."""

from typing import Any

from django.db.models import BooleanField, F, Func, Value


class _HasText(Func):
    """Whether what a JSON column holds at a path is a text; a missing value is none."""

    arity = 2
    output_field = BooleanField()

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        template = "COALESCE(JSON_TYPE(%(expressions)s) = 'text', FALSE)"
        return self.as_sql(compiler, connection, template=template, **more)

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        found = "jsonb_path_query_first(%(expressions)s::jsonpath)"
        template = f"COALESCE(jsonb_typeof({found}) = 'string', FALSE)"
        return self.as_sql(compiler, connection, template=template, **more)

    def as_mysql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        template = "COALESCE(JSON_TYPE(JSON_EXTRACT(%(expressions)s)) = 'STRING', FALSE)"
        return self.as_sql(compiler, connection, template=template, **more)


def has_text(column: str, *path: str) -> Func:
    """Return the condition that ``column`` holds a text under these keys, one inside the other."""
    return _HasText(F(column), Value("".join(["$", *(f'."{key}"' for key in path)])))
