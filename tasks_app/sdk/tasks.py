"""Tasks written in Python.

Every method sets one key of the workflow file and returns the builder. Nothing
is checked before ``build``, which says everything that is wrong at once.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Self

from tasks_app.outcomes import JSON
from tasks_app.planning.definition.checks.validation import load_task
from tasks_app.planning.definition.spec import TaskSpec


class TaskBuilder:
    """Builds one task of a workflow.

    Spans of time are seconds, or texts such as ``"5m"``. Texts in ``params`` are
    templates, as in the file.
    """

    def __init__(self, name: str, description: str = "") -> None:
        self._task: dict[str, Any] = {"name": name}
        self.with_description(description)

    def with_description(self, description: str) -> Self:
        """Say what the task does, for people."""
        return self._with("description", description or None)

    def with_job_function(self, name: str, params: Mapping[str, JSON] | None = None) -> Self:
        """Perform the task with an executor or a Python function, given ``params``."""
        self._with("run", name)
        return self._with("with", dict(params) if params else None)

    def with_workflow(self, name: str, params: Mapping[str, JSON] | None = None) -> Self:
        """Perform the task by a child instance of another workflow, started with ``params``."""
        self._with("workflow", name)
        return self._with("with", dict(params) if params else None)

    def with_dependencies(self, *names: str) -> Self:
        """Start only after these tasks too."""
        return self._with("needs", [*self._task.get("needs", ()), *names])

    def with_join(self, mode: str = "all", *, at_least: int | None = None) -> Self:
        """Say what is needed of the dependencies: ``all``, ``any``, ``all_done``, or a number of them."""
        return self._with("join", mode if at_least is None else {"at_least": at_least})

    def with_condition(self, condition: str | bool) -> Self:
        """Skip the task when this template gives false."""
        return self._with("when", condition)

    def with_for_each(self, items: str | Sequence[JSON], *, max_parallel: int | None = None) -> Self:
        """Perform the task once per item; ``items`` is one ``{{ expression }}`` or a list."""
        self._with("for_each", items if isinstance(items, str) else list(items))
        return self if max_parallel is None else self.with_max_parallel(max_parallel)

    def with_max_parallel(self, count: int) -> Self:
        """Perform at most this many items at once."""
        return self._with("max_parallel", count)

    def with_priority(self, priority: str | int) -> Self:
        """Set who goes first: ``low``, ``normal``, ``high``, ``critical``, or 0 to 9."""
        return self._with("priority", priority)

    def with_requires(self, *capabilities: str) -> Self:
        """Ask for a worker that is capable of these too."""
        return self._with("requires", [*self._task.get("requires", ()), *capabilities])

    def with_tags(self, *tags: str) -> Self:
        """Add words to find the task by."""
        return self._with("tags", [*self._task.get("tags", ()), *tags])

    def with_timeout(self, seconds: float | str) -> Self:
        """Let one attempt take at most this long."""
        return self._with("timeout", seconds)

    def with_retry_count(self, count: int) -> Self:
        """Repeat a failed attempt this often; the rest of the policy stays as it is."""
        return self._with_part("retry", count=count)

    def with_retry_interval(self, seconds: float | str) -> Self:
        """Wait this long before the first retry; the rest of the policy stays as it is."""
        return self._with_part("retry", interval=seconds)

    def with_retry(
        self,
        count: int,
        *,
        interval: float | str | None = None,
        backoff: str | None = None,
        max_interval: float | str | None = None,
        jitter: bool | None = None,
        on: Sequence[str] = (),
    ) -> Self:
        """Set the whole retry policy; what is left out has its default."""
        self._task.pop("retry", None)
        return self._with_part(
            "retry",
            count=count,
            interval=interval,
            backoff=backoff,
            max_interval=max_interval,
            jitter=jitter,
            on=_texts(on),
        )

    def with_allow_failure(self, allowed: bool = True) -> Self:
        """Let the instance complete when this task fails."""
        return self._with("allow_failure", allowed)

    def with_compensation(self, function: str, params: Mapping[str, JSON] | None = None) -> Self:
        """Undo the task with an executor or a Python function; templates in ``params`` know ``output``."""
        undoing: dict[str, Any] = {"run": function}
        return self._with("compensate", {**undoing, "with": dict(params)} if params else undoing)

    def with_approval(
        self,
        by: Sequence[str] = (),
        *,
        expires: float | str | None = None,
        default: str | None = None,
        form: Mapping[str, JSON] | None = None,
    ) -> Self:
        """Wait for a person before the task runs; ``form`` is a JSON Schema of what they are asked."""
        self._with("approval", {})
        return self._with_part(
            "approval",
            by=_texts(by),
            expires=expires,
            default=default,
            form=dict(form) if form is not None else None,
        )

    def build(self) -> TaskSpec:
        """Return the task, checked as far as that is possible without its workflow.

        :raises InvalidWorkflow: with every problem, its path counted from the task.
        """
        return load_task(self.definition())

    def definition(self) -> dict[str, JSON]:
        """Return a copy of the task as it would stand in the file, unchecked."""
        return deepcopy(self._task)

    def _with(self, key: str, value: Any) -> Self:
        if value is None:
            self._task.pop(key, None)
        else:
            self._task[key] = value
        return self

    def _with_part(self, key: str, **values: Any) -> Self:
        given = {name: value for name, value in values.items() if value is not None}
        return self._with(key, {**self._task.get(key, {}), **given})


class RealtimeTaskBuilder(TaskBuilder):
    """Builds a continuous task: it streams until its instance ends or is cancelled."""

    def __init__(self, name: str, description: str = "") -> None:
        super().__init__(name, description)
        self.with_continuous_mode()

    def with_continuous_mode(self) -> Self:
        """Stream until the instance ends, as every realtime task does from the start."""
        return self._with("mode", "continuous")

    def with_buffer_size(self, size: int) -> Self:
        """Hand on what was collected as soon as it is this many items."""
        return self._with("buffer_size", size)

    def with_flush_interval(self, seconds: float | str) -> Self:
        """Hand on what was collected as soon as it is this old."""
        return self._with("flush_interval", seconds)


def _texts(texts: Sequence[str]) -> Any:
    # A single text is kept, so that build says that a list was expected.
    return texts if isinstance(texts, str) else list(texts) or None
