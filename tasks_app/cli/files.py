"""What a command reads: workflow files, files of parameters, standard input."""

import sys
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import IO

from tasks_app.cli.errors import InvalidParamsFile, UnusableInput
from tasks_app.errors import InvalidParams, InvalidWorkflow
from tasks_app.outcomes import JSON
from tasks_app.planning.source.problems import Problem, format_path
from tasks_app.planning.source.yaml_source import Document, read_yaml
from tasks_app.planning.source.yaml_text import MAX_BYTES

STDIN = "-"
SHOWN_STDIN = "<stdin>"


def shown_name(file: str) -> str:
    """Return how a file is called in messages."""
    return SHOWN_STDIN if file == STDIN else file


def read_source(file: str) -> bytes:
    """Return what a file holds, ``-`` being standard input; at most one byte more than may be used.

    That byte is how a file that is too large is told from one that just fits.

    :raises UnusableInput: when there is no such file, or it cannot be read.
    """
    try:
        if file == STDIN:
            return _standard_input().read(MAX_BYTES + 1)
        with Path(file).open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UnusableInput(file=shown_name(file), why=why) from error


def _standard_input() -> IO[bytes]:
    if sys.stdin is None:
        raise OSError("there is no standard input")
    return sys.stdin.buffer


class ParamsFile:
    """Parameters from a YAML or JSON file, and where each of them stands in it.

    :raises UnusableInput: when the file cannot be read.
    :raises InvalidParamsFile: when it is not a mapping of names to values.
    """

    def __init__(self, file: str) -> None:
        self._document = _document(file)

    @property
    def values(self) -> dict[str, JSON]:
        """What the file says, by name."""
        value = self._document.value if self._document is not None else {}
        return dict(value) if isinstance(value, dict) else {}

    def placed(self, error: InvalidParams, *, besides: Collection[str]) -> InvalidParams:
        """Return the error with the places of the problems in this file.

        ``besides`` names parameters that were taken from elsewhere.
        """
        ours = {format_path(("params", name)): name for name in self.values if name not in besides}
        problems = [
            self._place(each, ours[each.path]) if each.path in ours else each for each in error.problems
        ]
        problems.sort(key=lambda each: (each.line or 0, each.column or 0))
        return InvalidParams(**{**error.facts, "problems": problems})

    def _place(self, problem: Problem, name: str) -> Problem:
        if self._document is None:
            return problem
        line, column = self._document.position((name,))
        return replace(problem, line=line, column=column, message=f"{problem.path}: {problem.message}")


def _document(file: str) -> Document | None:
    try:
        return read_yaml(read_source(file))
    except InvalidWorkflow as error:
        problems = [_about_params(each) for each in error.problems if each.code != "empty"]
        if not problems:
            return None
        raise InvalidParamsFile(file=shown_name(file), problems=problems) from error


def _about_params(problem: Problem) -> Problem:
    if problem.code == "not_a_mapping":
        return replace(problem, message="expected a mapping of names to values")
    return replace(problem, hint="") if problem.code == "too_large" else problem
