"""From what somebody gave to the parameters an instance runs with."""

import json
from collections.abc import Mapping, Sequence

from tasks_app.errors import InvalidParams
from tasks_app.outcomes import JSON
from tasks_app.planning.definition.spec import ParamSpec, WorkflowSpec
from tasks_app.planning.source.problems import Problem, Suggestions, described, format_path
from tasks_app.planning.values.values import NotJSONError, as_json


def resolve_params(spec: WorkflowSpec, given: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return every parameter of the workflow: what was given, else its default, else null.

    :raises InvalidParams: with every problem, when something is unknown, missing or does not fit.
    """
    problems = [problem for name in given if name not in spec.params for problem in [_unknown(spec, name)]]
    values: dict[str, JSON] = {}
    for name, param in spec.params.items():
        if name not in given:
            values[name] = param.default
            if param.is_required:
                problems.append(_problem("missing_param", name, "a value is required"))
            continue
        value = given[name]
        if value is None and not param.is_required and param.default is None:
            values[name] = None
            continue
        try:
            values[name] = as_json(value, path=name)
        except NotJSONError as error:
            problems.append(_problem("bad_param", name, str(error)))
            continue
        problems += [_problem("bad_param", name, found) for found in param.objections(value)]
    return _answer(spec, values, problems)


def params_from_text(spec: WorkflowSpec, pairs: Sequence[str]) -> dict[str, JSON]:
    """Return the parameters that ``K=V`` texts from a command line give.

    A text parameter takes its text as it stands. Any other is read as JSON in the
    type it has; one of no known type is JSON where it can be, else text. Names are
    not checked here: ``resolve_params`` does that.

    :raises InvalidParams: when a text has no ``=``, gives a name twice, or cannot be read.
    """
    values: dict[str, JSON] = {}
    problems = []
    for pair in pairs:
        name, separator, text = pair.partition("=")
        if not separator or not name:
            problems.append(_problem("bad_param", "", f"expected NAME=VALUE, found {described(pair)}"))
        elif name in values:
            problems.append(_problem("bad_param", name, "it is given twice"))
        else:
            try:
                values[name] = _read(text, spec.params.get(name))
            except ValueError as error:
                values[name] = None
                problems.append(_problem("bad_param", name, str(error)))
    return _answer(spec, values, problems)


_EXPECTED = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a JSON list such as [1, 2]",
    "object": 'a JSON mapping such as {"a": 1}',
}


def _read(text: str, param: ParamSpec | None) -> JSON:
    wanted = param.text_type() if param is not None else None
    if wanted == "string":
        return text
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        if wanted is None:
            return text
        found = param.described(text) if param is not None else described(text)
        raise ValueError(f"expected {_EXPECTED[wanted]}, found {found}") from None


def _refuse_constant(word: str) -> JSON:
    raise ValueError(word)


def _unknown(spec: WorkflowSpec, name: str) -> Problem:
    hint = Suggestions(spec.params).for_(name)
    return _problem("unknown_param", name, "the workflow has no such parameter", hint)


def _problem(code: str, name: str, message: str, hint: str = "") -> Problem:
    return Problem(code, message, None, None, format_path(("params", name) if name else ("params",)), hint)


def _answer(spec: WorkflowSpec, values: dict[str, JSON], problems: list[Problem]) -> dict[str, JSON]:
    if problems:
        summary = "; ".join(map(str, problems))
        raise InvalidParams(workflow=spec.name, problems=problems, summary=summary)
    return values
