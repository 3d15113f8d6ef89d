"""Where a command writes: what was asked for on stdout, everything else on stderr."""

import json
import os
from collections.abc import Iterable
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from cpds.base.view import plain

PIPED_WIDTH = 200
"""Columns for what is not a terminal: enough for whole ids and most of an error."""


class Output:
    """The two streams of a command, and how they are to be written.

    ``as_json``: nothing but JSON goes to stdout. ``color``: True and False decide;
    None leaves it to the stream, ``NO_COLOR`` and ``FORCE_COLOR``.
    """

    def __init__(self, *, out: TextIO, err: TextIO, as_json: bool = False, color: bool | None = None) -> None:
        self.as_json = as_json
        self._out = out
        self.console = console_on(out, color=color)
        self.notes = console_on(err, color=color)

    @property
    def width(self) -> int:
        """Columns of a line on stdout."""
        return self.console.width

    def line(self, text: str | Text = "") -> None:
        """Write a line for people on stdout. It is never wrapped or cut."""
        self.console.print(text, soft_wrap=True)

    def lines(self, texts: Iterable[str | Text]) -> None:
        """Write lines for people on stdout."""
        for text in texts:
            self.line(text)

    def note(self, text: str | Text, *, style: str = "") -> None:
        """Write a line on stderr."""
        self.notes.print(text, soft_wrap=True, style=style)

    def document(self, value: Any) -> None:
        """Write a JSON document on stdout."""
        self._write(json.dumps(value, indent=2, ensure_ascii=False, default=plain))

    def document_line(self, value: Any) -> None:
        """Write a JSON document on one line of stdout, at once: for streams of them."""
        self._write(json.dumps(value, ensure_ascii=False, default=plain))

    def _write(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()


def console_on(stream: TextIO, *, color: bool | None) -> Console:
    """Return a console that leaves text as it is and colours only where that is wanted."""
    plain = color is False or (color is None and bool(os.environ.get("NO_COLOR")))
    return Console(
        file=stream,
        force_terminal=True if color else None,
        color_system=None if plain else "auto",
        no_color=plain,
        width=None if stream.isatty() else PIPED_WIDTH,
        highlight=False,
        markup=False,
        emoji=False,
    )
