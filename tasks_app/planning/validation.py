"""Accept a workflow, or say everything that is wrong with it."""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from tasks_app.errors import InvalidWorkflow
from tasks_app.planning.catalog import Catalog
from tasks_app.planning.findings import Finding
from tasks_app.planning.graph_checks import check_graph
from tasks_app.planning.outline import Outline, outline_of
from tasks_app.planning.problems import Problem, Suggestions, shortened
from tasks_app.planning.reference_checks import check_references
from tasks_app.planning.spec import MAX_TASKS, WorkflowSpec
from tasks_app.planning.spec_errors import findings_of
from tasks_app.planning.template_references import has_template
from tasks_app.planning.yaml_source import try_yaml


def load_workflow(source: bytes | str, *, catalog: Catalog) -> WorkflowSpec:
    """Return the workflow that a YAML (or JSON) text describes.

    :raises InvalidWorkflow: with every problem there is, in the order of the text.
    """
    reading = try_yaml(source)
    if reading.document is None:
        raise _invalid(list(reading.problems))
    raw = reading.document.value
    spec, findings = _spec(raw)
    findings += check_outline(outline_of(raw), catalog=catalog)
    problems = [*reading.problems, *(finding.placed_in(reading.document) for finding in findings)]
    if problems or spec is None:
        raise _invalid(problems)
    return spec


def check_outline(outline: Outline, *, catalog: Catalog) -> Iterator[Finding]:
    """Yield what is wrong between the tasks, and with what they run.

    A workflow of too many tasks is not looked into: its shape was refused already.
    """
    if len(outline.tasks) > MAX_TASKS:
        return
    yield from check_graph(outline)
    yield from _check_runs(outline, catalog)
    yield from check_references(outline)


def _spec(raw: Any) -> tuple[WorkflowSpec | None, list[Finding]]:
    try:
        return WorkflowSpec.model_validate(raw), []
    except ValidationError as error:
        return None, list(findings_of(error, raw))


def _check_runs(outline: Outline, catalog: Catalog) -> Iterator[Finding]:
    names = catalog.names()
    suggestions = Suggestions(names)
    for task in outline.tasks:
        if task.run is None:
            continue
        if task.run not in names:
            message = f"there is no executor or function {shortened(repr(task.run))}"
            hint = suggestions.for_(task.run) or "functions must be registered where the workers find them"
            yield Finding(code="unknown_executor", path=(*task.path, "run"), message=message, hint=hint)
        elif task.arguments is not None and task.is_readable:
            templated = frozenset(name for name, value in task.arguments.items() if has_template(value))
            for field, message, hint in catalog.check(task.run, task.arguments, templated=templated):
                where = (*task.path, "with", field) if field else (*task.path, "with")
                at_key = field not in task.arguments
                yield Finding(code="bad_argument", path=where, message=message, hint=hint, at_key=at_key)


def _invalid(problems: list[Problem]) -> InvalidWorkflow:
    ordered = sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0))
    return InvalidWorkflow(problems=ordered, count=len(ordered))
