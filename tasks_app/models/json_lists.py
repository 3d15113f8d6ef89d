"""Lists of texts in a column: which rows have one in theirs, asked in each database's own way."""

from typing import Any

from django.db.models import BooleanField, F, Func, Value


class _HasMember(Func):
    """Whether a list of texts has a text."""

    arity = 2
    output_field = BooleanField()

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        template = "EXISTS (SELECT 1 FROM json_each(%(expressions)s))"
        return self.as_sql(compiler, connection, template=template, arg_joiner=") WHERE value = (", **more)

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        return self.as_sql(compiler, connection, template="(%(expressions)s)", arg_joiner=" ? ", **more)

    def as_mysql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        template = "JSON_CONTAINS(%(expressions)s))"
        return self.as_sql(compiler, connection, template=template, arg_joiner=", JSON_QUOTE(", **more)


def has_member(column: str, text: str) -> Func:
    """Return the condition that the list in ``column`` has ``text`` in it."""
    return _HasMember(F(column), Value(text))
