"""Lists of texts in a column: which rows have one in theirs, asked in each database's own way."""

import json
from collections.abc import Collection
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


class _HasOnly(Func):
    """Whether all of a list of texts are among others, which are given as JSON."""

    arity = 2
    output_field = BooleanField()

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        template = "NOT EXISTS (SELECT 1 FROM json_each(%(expressions)s)))"
        others = ") WHERE value NOT IN (SELECT value FROM json_each("
        return self.as_sql(compiler, connection, template=template, arg_joiner=others, **more)

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        template = "(%(expressions)s::jsonb)"
        return self.as_sql(compiler, connection, template=template, arg_joiner=" <@ ", **more)

    def as_mysql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        turned = self.copy()
        turned.set_source_expressions(self.get_source_expressions()[::-1])
        return turned.as_sql(compiler, connection, function="JSON_CONTAINS", **more)


def has_only(column: str, texts: Collection[str]) -> Func:
    """Return the condition that nothing is in the list in ``column`` but some of ``texts``."""
    return _HasOnly(F(column), Value(json.dumps(sorted(texts))))
