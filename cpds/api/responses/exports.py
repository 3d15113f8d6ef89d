"""Rows as files: CSV that no spreadsheet takes for formulas, and a JSON document on each line."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.http import HttpResponse

from cpds.api.json_text import as_text
from cpds.api.responses.renderers import to_json
from cpds.base.view import View

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NEXT_CURSOR: Final = "X-Next-Cursor"


def as_csv(rows: Iterable[View], *, columns: Sequence[str], name: str) -> HttpResponse:
    """Return rows as a CSV file; lists and objects are written as JSON."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([cell(getattr(row, column)) for column in columns])
    return _file(text.getvalue().encode(), kind="text/csv; charset=utf-8", name=f"{name}.csv")


def as_json_lines(rows: Iterable[View], *, name: str) -> HttpResponse:
    """Return rows as a file with a JSON document on each line."""
    content = b"".join(to_json(row) + b"\n" for row in rows)
    return _file(content, kind="application/x-ndjson", name=f"{name}.jsonl")


def cell(value: Any) -> str:
    """Return what stands in a cell; what a spreadsheet would compute gets an apostrophe before it."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else to_json(value).decode().strip('"')
    text = as_text(text)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) and not is_number else text


def _file(content: bytes, *, kind: str, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
