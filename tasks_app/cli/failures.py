"""What is said when a command cannot do what was asked."""

from typing import Any, Final

from django.db import DatabaseError, InterfaceError, OperationalError

from cpds.base.errors import CPDSError
from tasks_app.cli.errors import DatabaseUnreachable, NotMigrated
from tasks_app.cli.text import plain
from tasks_app.planning.source.problems import Problem

# PostgreSQL: undefined table, undefined column. MySQL: the same two.
_MISSING_STATES: Final = frozenset({"42P01", "42703"})
_MISSING_NUMBERS: Final = frozenset({1146, 1054})
_MISSING_TEXTS: Final = ("no such table", "no such column")


def failure_lines(error: CPDSError, *, file: str | None) -> list[str]:
    """Return what people are told: one line per problem, then the sentence."""
    problems = [problem_line(each, file=file) for each in error.facts.get("problems", ())]
    if not problems:
        return [plain(error)]
    # The sentence of some errors repeats their problems, which stand above it already.
    summary = error.facts.get("summary")
    sentence = str(error).replace(f": {summary}", "") if summary else str(error)
    return [*problems, plain(sentence)]


def failure_document(error: CPDSError) -> dict[str, Any]:
    """Return what programs are told."""
    told: dict[str, Any] = {"code": error.code, "message": str(error), "retryable": error.retryable}
    for name, fact in error.facts.items():
        if name != "problems" and isinstance(fact, str | int | float | bool):
            told.setdefault(name, fact)
    if "problems" in error.facts:
        told["problems"] = [each.to_json() for each in error.facts["problems"]]
    return {"error": told}


def problem_line(problem: Problem, *, file: str | None) -> str:
    """Write a problem as ``FILE:LINE:COLUMN: path: message (hint)``, the form editors can follow."""
    place = f"{file}:{problem.line}:{problem.column}" if problem.line is not None and file else ""
    said = ": ".join(
        part for part in (place or (file if not problem.path else ""), problem.path, problem.message) if part
    )
    return plain(f"{said} ({problem.hint})" if problem.hint else said)


def database_failure(error: DatabaseError | InterfaceError) -> CPDSError | None:
    """Return the situation a database's error stands for; None for an error of this program's own."""
    if _is_missing_something(error):
        return NotMigrated()
    if isinstance(error, OperationalError | InterfaceError):
        return DatabaseUnreachable(why=plain(error).rstrip("."))
    return None


def _is_missing_something(error: BaseException) -> bool:
    said = str(error)
    return (
        getattr(error.__cause__, "sqlstate", None) in _MISSING_STATES
        or bool(error.args and error.args[0] in _MISSING_NUMBERS)
        or said.startswith(_MISSING_TEXTS)
    )
