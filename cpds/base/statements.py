"""Hot statements: SQL that can be read, and run in a shell, in one file for each kind of database.

Building a query with the ORM costs several times what running it does, so what every
task or request runs stands as text in a folder of ``sqlite.sql`` and ``postgresql.sql``.
There a line ``-- name: claim_task`` begins a statement, lines of comment say what it is
for, and ``:task_id`` is the place of a value. What never varies (states above all)
is written out: a database sees then that a partial index will do.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from django.db import connection, models

from cpds.base.model_rows import ModelReader

Rows = list[tuple[Any, ...]]
Row = TypeVar("Row", bound=models.Model)

STANDARD: Final = "postgresql"
"""Whose file others read that have none."""
_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_COMMENT: Final = re.compile(r"^ *--.*\n", re.MULTILINE)
_VALUE: Final = re.compile(r"(?<![:\w]):([a-z_]+)")


class Statement:
    """One statement of the files in ``folder``.

    ``otherwise`` does the same with QuerySets where there is no file (MySQL and MariaDB); where it
    is not given, these run what PostgreSQL runs.
    """

    def __init__(
        self, name: str, *, folder: Path, otherwise: Callable[..., Iterable[Any]] | None = None
    ) -> None:
        self.name = name
        self.folder = folder
        self.otherwise = otherwise

    def text(self) -> str:
        """Return the SQL as Django's cursors take it; empty where it is done ``otherwise``."""
        own = statements(folder=self.folder, kind=connection.vendor).get(self.name, "")
        if not own and self.otherwise is None:
            return statements(folder=self.folder, kind=STANDARD)[self.name]
        return own

    def run(self, **values: Any) -> Rows:
        """Run the statement with these values; return the rows it gives."""
        text = self.text()
        if not text and self.otherwise is not None:
            return list(self.otherwise(**values))
        with connection.cursor() as cursor:
            cursor.execute(text, values)
            return list(cursor.fetchall()) if cursor.description else []


class ModelStatement(Statement, Generic[Row]):
    """A SELECT of whole rows: of ``model``, of what is ``along`` with it, and annotations, in this order.

    ``along`` names relations as ``select_related`` does; the QuerySet of ``otherwise`` loads them, too.
    """

    def __init__(
        self,
        name: str,
        *,
        folder: Path,
        model: type[Row],
        otherwise: "Callable[..., models.QuerySet[Row]]",
        along: Sequence[str] = (),
        annotations: "Mapping[str, models.Field[Any, Any]] | None" = None,
    ) -> None:
        super().__init__(name, folder=folder, otherwise=otherwise)
        self.reader = ModelReader(model=model, along=along, annotations=annotations or {})

    def found(self, **values: Any) -> list[Row]:
        """Run the statement with these values; return the rows as models."""
        rows: list[Any] = self.run(**values)
        return [self.reader.read(row) for row in rows] if self.text() else rows


@cache
def statements(*, folder: Path, kind: str) -> Mapping[str, str]:
    """Return the statements that a kind of database has in a folder, by name."""
    file = folder / f"{kind}.sql"
    if not file.exists():
        return {}
    _, *parts = _NAME.split(file.read_text(encoding="utf-8"))
    return {name: _for_cursors(text) for name, text in zip(parts[::2], parts[1::2], strict=True)}


def _for_cursors(text: str) -> str:
    plain = _COMMENT.sub("", text).strip().removesuffix(";")
    return _VALUE.sub(r"%(\1)s", plain.replace("%", "%%"))
