"""Accept a workflow, or say everything that is wrong with it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from tasks_app.errors import InvalidWorkflow
from tasks_app.outcomes import JSON
from tasks_app.planning.definition.checks.catalog import Catalog
from tasks_app.planning.definition.checks.combinations import check_combinations
from tasks_app.planning.definition.checks.graph import check_graph
from tasks_app.planning.definition.checks.outline import CompensateOutline, Outline, TaskOutline, outline_of
from tasks_app.planning.definition.checks.references import check_references
from tasks_app.planning.definition.checks.schedules import check_schedule
from tasks_app.planning.definition.checks.streams import check_streams
from tasks_app.planning.definition.spec import MAX_TASKS, TaskSpec, WorkflowSpec
from tasks_app.planning.definition.spec_errors import findings_of
from tasks_app.planning.source.findings import Finding
from tasks_app.planning.source.problems import Path, Problem, Suggestions, shortened
from tasks_app.planning.source.yaml_source import try_yaml
from tasks_app.planning.templates.reads import has_template
from tasks_app.planning.values.values import NotJSONError, as_json
from tasks_app.states import EXTERNAL


def load_workflow(source: bytes | str, *, catalog: Catalog) -> WorkflowSpec:
    """Return the workflow that a YAML (or JSON) text describes.

    :raises InvalidWorkflow: with every problem there is, in the order of the text.
    """
    reading = try_yaml(source)
    if reading.document is None:
        raise _invalid(list(reading.problems))
    spec, findings = _checked(reading.document.value, catalog)
    problems = [*reading.problems, *(finding.placed_in(reading.document) for finding in findings)]
    if problems or spec is None:
        raise _invalid(problems)
    return spec


def load_definition(definition: Mapping[str, JSON], *, catalog: Catalog) -> WorkflowSpec:
    """Return the workflow that a mapping describes, as ``load_workflow`` does for a text.

    Problems have a path, and no line.

    :raises InvalidWorkflow: with every problem there is.
    """
    spec, findings = _checked(_plain(definition), catalog)
    if findings or spec is None:
        raise _invalid([finding.without_place() for finding in findings])
    return spec


def load_task(definition: Mapping[str, JSON]) -> TaskSpec:
    """Return the task that a mapping describes, checked as far as that can be done without its workflow.

    :raises InvalidWorkflow: with every problem there is; paths start in the task.
    """
    raw = {"name": "w", "tasks": [_plain(definition)]}
    spec, findings = _shaped(raw)
    findings += check_combinations(replace(outline_of(raw), name=None))
    if findings or spec is None:
        raise _invalid([replace(finding, path=finding.path[2:]).without_place() for finding in findings])
    return spec.tasks[0]


def check_definition(raw: JSON, *, catalog: Catalog) -> tuple[WorkflowSpec | None, list[Finding]]:
    """Return a definition's workflow, None when its shape is wrong, and everything wrong with it."""
    return _checked(raw, catalog)


def check_outline(outline: Outline, *, catalog: Catalog) -> Iterator[Finding]:
    """Yield what is wrong between the tasks, and with what they run.

    A workflow of too many tasks is not looked into: its shape was refused already.
    """
    if len(outline.tasks) > MAX_TASKS:
        return
    yield from check_graph(outline)
    yield from check_combinations(outline)
    yield from check_streams(outline)
    yield from _check_runs(outline, catalog)
    yield from check_references(outline)


def _plain(definition: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return a copy of what a program made, once it is sure that it is JSON.

    :raises InvalidWorkflow: when it is not.
    """
    try:
        return {str(key): as_json(value, path=str(key)) for key, value in definition.items()}
    except NotJSONError as error:
        raise _invalid([Problem("not_json", str(error).rstrip("."), None, None, "")]) from None


def _checked(raw: Any, catalog: Catalog) -> tuple[WorkflowSpec | None, list[Finding]]:
    spec, findings = _shaped(raw)
    if spec is not None:
        findings += check_schedule(spec)
    findings += check_outline(outline_of(raw), catalog=catalog)
    return spec, findings


def _shaped(raw: Any) -> tuple[WorkflowSpec | None, list[Finding]]:
    try:
        return WorkflowSpec.model_validate(raw), []
    except ValidationError as error:
        return None, list(findings_of(error, raw))


def _check_runs(outline: Outline, catalog: Catalog) -> Iterator[Finding]:
    names = catalog.names()
    suggestions = Suggestions(names)
    runs: Iterator[tuple[Path, TaskOutline | CompensateOutline]] = (
        (path, part)
        for task in outline.tasks
        for path, part in ((task.path, task), ((*task.path, "compensate"), task.compensate))
        if part is not None
    )
    for path, part in runs:
        if part.run is None or part.run == EXTERNAL:
            continue
        if part.run not in names:
            message = f"there is no executor or function {shortened(repr(part.run))}"
            hint = suggestions.for_(part.run) or "functions must be registered where the workers find them"
            yield Finding(code="unknown_executor", path=(*path, "run"), message=message, hint=hint)
        elif part.arguments is not None and part.is_readable:
            templated = frozenset(name for name, value in part.arguments.items() if has_template(value))
            for field, message, hint in catalog.check(part.run, part.arguments, templated=templated):
                where = (*path, "with", field) if field else (*path, "with")
                at_key = field not in part.arguments
                yield Finding(code="bad_argument", path=where, message=message, hint=hint, at_key=at_key)


def _invalid(problems: list[Problem]) -> InvalidWorkflow:
    ordered = sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0))
    return InvalidWorkflow(problems=ordered, count=len(ordered))
