"""Whether values fit the form that a checkpoint shows. Pure."""

from collections.abc import Mapping
from typing import Final

from tasks_app.outcomes import JSON
from tasks_app.planning.source.problems import Problem, format_path, shortened
from tasks_app.planning.values.values import NotJSONError, as_json

MAX_PROBLEMS: Final = 100


def form_problems(*, form: Mapping[str, JSON], values: Mapping[str, JSON]) -> list[Problem]:
    """Return what the JSON Schema ``form`` objects to in ``values``: everything, up to a hundred things."""
    from jsonschema import Draft202012Validator

    try:
        plain = as_json(dict(values), path="values")
    except NotJSONError as error:
        return [_problem((), str(error))]
    found = sorted(
        Draft202012Validator(dict(form)).iter_errors(plain),
        key=lambda error: [str(step) for step in error.absolute_path],
    )
    return [_problem(tuple(error.absolute_path), shortened(error.message)) for error in found[:MAX_PROBLEMS]]


def _problem(path: tuple[str | int, ...], message: str) -> Problem:
    return Problem("bad_value", message, None, None, format_path(("values", *path)))
