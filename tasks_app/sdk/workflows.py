"""Workflows written in Python."""

from collections.abc import Mapping
from typing import Any, Self

from tasks_app.errors import InvalidWorkflow
from tasks_app.outcomes import JSON
from tasks_app.planning.definition.checks.catalog import Catalog
from tasks_app.planning.definition.checks.validation import load_definition
from tasks_app.planning.definition.param_spec import ParamSpec
from tasks_app.planning.definition.spec import TaskSpec, WorkflowSpec
from tasks_app.planning.source.problems import Problem
from tasks_app.sdk.tasks import RealtimeTaskBuilder, TaskBuilder


class WorkflowBuilder:
    """Builds a workflow; every method sets one key of the workflow file and returns the builder.

    Spans of time are seconds, or texts such as ``"2h"``. Nothing is checked before
    ``build``, which says everything that is wrong at once.
    """

    def __init__(self, name: str, description: str = "") -> None:
        self._workflow: dict[str, Any] = {"name": name}
        self._tasks: list[dict[str, JSON]] = []
        self._must_stream = False
        self.with_description(description)

    def with_description(self, description: str) -> Self:
        """Say what the workflow is for."""
        return self._with("description", description or None)

    def with_task(self, task: TaskBuilder | TaskSpec) -> Self:
        """Add a task as it is now; what its builder is told later does not count."""
        self._tasks.append(task.definition() if isinstance(task, TaskBuilder) else task.to_json())
        return self

    def with_realtime_task(self, task: RealtimeTaskBuilder | TaskSpec) -> Self:
        """Add a continuous task."""
        return self.with_task(task)

    def with_streaming_mode(self) -> Self:
        """Say that the workflow streams: ``build`` refuses it when none of its tasks is continuous."""
        self._must_stream = True
        return self

    def with_params(self, params: Mapping[str, JSON | ParamSpec]) -> Self:
        """Add parameters: default values, or declarations such as ``{"type": "integer"}``."""
        plain = {
            name: param.to_json() if isinstance(param, ParamSpec) else param for name, param in params.items()
        }
        return self._with("params", {**self._workflow.get("params", {}), **plain})

    def with_cron_expr(self, cron: str) -> Self:
        """Start instances by this cron expression; the rest of the schedule stays as it is."""
        return self._with("schedule", {**self._workflow.get("schedule", {}), "cron": cron})

    def with_schedule(
        self,
        cron: str,
        *,
        timezone: str | None = None,
        overlap: str | None = None,
        catchup: str | None = None,
        paused: bool | None = None,
        params: Mapping[str, JSON] | None = None,
    ) -> Self:
        """Set the whole schedule; what is left out has its default."""
        schedule = {
            "cron": cron,
            "timezone": timezone,
            "overlap": overlap,
            "catchup": catchup,
            "paused": paused,
            "params": dict(params) if params else None,
        }
        return self._with("schedule", {key: value for key, value in schedule.items() if value is not None})

    def with_max_parallel(self, count: int) -> Self:
        """Run at most this many tasks of one instance at once."""
        return self._with("max_parallel", count)

    def with_max_running(self, count: int) -> Self:
        """Run at most ``count`` tasks of all its instances at once."""
        return self._with("max_running", count)

    def with_max_instances(self, count: int) -> Self:
        """Run at most this many instances at once."""
        return self._with("max_instances", count)

    def with_instance_timeout(self, seconds: float | str) -> Self:
        """Let a whole instance take at most this long."""
        return self._with("timeout", seconds)

    def with_default_timeout(self, seconds: float | str) -> Self:
        """Set the timeout of every task that has none of its own."""
        return self._with("defaults", {"timeout": seconds})

    def with_on_failure(self, policy: str) -> Self:
        """Say what follows a failed task: ``stop``, ``continue`` or ``compensate``."""
        return self._with("on_failure", policy)

    def build(self, catalog: Catalog | None = None) -> WorkflowSpec:
        """Return the workflow, checked as one that was read from a file.

        ``catalog`` knows what tasks may run; when it is left out, the workers' own does.

        :raises InvalidWorkflow: with every problem, each with its path.
        """
        spec = load_definition(
            self.definition(), catalog=catalog if catalog is not None else _connected_catalog()
        )
        if self._must_stream and not any(task.is_continuous for task in spec.tasks):
            message = "the workflow is to stream, and none of its tasks is continuous"
            raise InvalidWorkflow(
                problems=[Problem("no_stream", message, None, None, "tasks", "add a realtime task")], count=1
            )
        return spec

    def definition(self) -> dict[str, JSON]:
        """Return the workflow as it would stand in the file, unchecked."""
        return {**self._workflow, "tasks": list(self._tasks)}

    def _with(self, key: str, value: Any) -> Self:
        if value is None:
            self._workflow.pop(key, None)
        else:
            self._workflow[key] = value
        return self


def _connected_catalog() -> Catalog:
    # Only here, so that workflows can be written where no Django is set up.
    from tasks_app.services.lookup.fleet import connected_fleet

    return connected_fleet()
