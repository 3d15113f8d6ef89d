"""Ask before doing what cannot be taken back, and show how far it is."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tasks_app.cli.errors import NotAsked, NotConfirmed
from tasks_app.cli.output import Output


def is_terminal() -> bool:
    """Return whether somebody can be asked."""
    return sys.stdin is not None and sys.stdin.isatty()


def confirm(out: Output, question: str, *, done: str) -> None:
    """Ask on the terminal; return if the answer is yes.

    :raises NotConfirmed: when it is not. ``done`` is what was then not done: "deleted".
    """
    out.notes.print(f"{question} [y/N] ", end="")
    if sys.stdin.readline().strip().casefold() not in {"y", "yes"}:
        raise NotConfirmed(done=done)


def confirm_or_refuse(out: Output, question: str, *, done: str, yes: bool) -> None:
    """Return if ``yes`` was said on the command line or is said now.

    :raises NotConfirmed: when somebody says no.
    :raises NotAsked: when there is nobody to ask.
    """
    if yes:
        return
    if out.as_json or not is_terminal():
        raise NotAsked(done=done)
    confirm(out, question, done=done)


@contextmanager
def progress_bar(out: Output, *, title: str, total: int) -> Iterator[Callable[[], None]]:
    """Draw a bar on stderr, if that is a terminal and nobody asked for JSON; yield what moves it by one."""
    if out.as_json or not out.notes.is_terminal:
        yield lambda: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out.notes, transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda: bar.update(task, advance=1)
