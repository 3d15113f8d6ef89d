"""Check that what a schedule starts an instance with is what the workflow asks for."""

from collections.abc import Iterator

from tasks_app.planning.definition.spec import WorkflowSpec
from tasks_app.planning.source.findings import Finding
from tasks_app.planning.source.problems import Suggestions, shortened


def check_schedule(spec: WorkflowSpec) -> Iterator[Finding]:
    """Yield what is wrong with the parameters of a workflow's schedule."""
    if spec.schedule is None:
        return
    path, given = ("schedule", "params"), spec.schedule.params
    suggestions = Suggestions(spec.params)
    for name, value in given.items():
        param = spec.params.get(name)
        if param is None:
            message = f"the workflow has no parameter {shortened(repr(name))}"
            hint = suggestions.for_(name) or "declare it under params"
            yield Finding(code="unknown_param", path=(*path, name), message=message, hint=hint, at_key=True)
        elif param.secret:
            message = "a secret may not stand in the workflow"
            yield Finding(code="bad_param", path=(*path, name), message=message)
        elif value is not None or param.is_required or param.default is not None:
            for found in param.objections(value):
                yield Finding(code="bad_param", path=(*path, name), message=found)
    for name, param in spec.params.items():
        if param.is_required and name not in given:
            message = f"the parameter {shortened(repr(name))} is required, and the schedule gives no value"
            hint = "give it under the schedule's params, or a default"
            yield Finding(code="missing_param", path=path, message=message, hint=hint)
