"""Lines and tables for people: one line per row, whatever a value holds."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from rich.text import Text

Cell: TypeAlias = str | Text
GAP = 2
NARROWEST_LAST_COLUMN = 20


def plain(value: object) -> str:
    """Return a text on one line, without anything that could steer a terminal."""
    text = " ".join(str(value).split())
    return "".join(each if each.isprintable() else "�" for each in text)


def table(headings: Sequence[str], rows: Iterable[Sequence[Cell]], *, width: int) -> Iterator[Text]:
    """Yield the lines of a table.

    Only the last column is ever cut, to end at ``width``: ids and names stay whole,
    to be copied from a terminal or cut out by a program.
    """
    lines = [[_text(cell) for cell in row] for row in rows]
    widths = [
        max(each.cell_len for each in column) for column in zip(map(Text, headings), *lines, strict=True)
    ]
    room = max(width - sum(widths[:-1]) - GAP * (len(widths) - 1), NARROWEST_LAST_COLUMN)
    yield _line([Text(heading, style="bold") for heading in headings], widths, room)
    for line in lines:
        yield _line(line, widths, room)


def aligned(rows: Iterable[Sequence[Cell]], *, indent: int = 0, width: int) -> Iterator[Text]:
    """Yield the lines of a table without headings."""
    found = [list(row) for row in rows]
    if found:
        lines = table([""] * len(found[0]), found, width=width - indent)
        next(lines)
        for line in lines:
            yield Text(" " * indent) + line


def _text(cell: Cell) -> Text:
    return cell if isinstance(cell, Text) else Text(plain(cell))


def _line(cells: list[Text], widths: list[int], room: int) -> Text:
    line = Text()
    for cell, wide in zip(cells[:-1], widths[:-1], strict=True):
        line.append_text(cell)
        line.append(" " * (wide - cell.cell_len + GAP))
    last = cells[-1].copy()
    last.truncate(room, overflow="ellipsis")
    line.append_text(last)
    line.rstrip()
    return line
