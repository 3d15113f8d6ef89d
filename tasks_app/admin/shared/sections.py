"""Tables under an object's page."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Section:
    """A titled table. The template escapes every cell that is not safe by ``format_html``."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    more: str = ""
    """A link to the whole list."""
    empty: str = "None."
