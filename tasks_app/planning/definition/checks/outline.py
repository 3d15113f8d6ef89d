"""The tasks of a workflow as far as they can be told, even where some values are wrong.

The checks that tie tasks together work on an outline, so that one wrong value
does not hide every other problem.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

from tasks_app.outcomes import JSON
from tasks_app.planning.source.problems import Path
from tasks_app.planning.source.yaml_scalars import has_unreadable


@dataclass(frozen=True, kw_only=True)
class TaskOutline:
    """What is known of one task; None is what could not be told. Names are in NFC.

    ``is_readable`` is False when some value in ``arguments`` could not be read.
    ``given`` names the keys that are there and not null.
    """

    path: Path
    name: str | None
    run: str | None
    needs: tuple[tuple[Path, str], ...]
    arguments: Mapping[str, JSON] | None
    is_readable: bool
    workflow: str | None = None
    when: JSON = None
    for_each: JSON = None
    join: JSON = None
    compensate: "CompensateOutline | None" = None
    is_continuous: bool = False
    given: frozenset[str] = frozenset()

    @property
    def is_repeated(self) -> bool:
        """Whether it runs once per item of a list."""
        return "for_each" in self.given


@dataclass(frozen=True, kw_only=True)
class CompensateOutline:
    """What is known of what undoes a task."""

    run: str | None
    arguments: Mapping[str, JSON] | None
    is_readable: bool


@dataclass(frozen=True, kw_only=True)
class Outline:
    """What is known of a workflow."""

    name: str | None = None
    params: frozenset[str]
    max_parallel: int | None = None
    tasks: tuple[TaskOutline, ...]

    @property
    def edge_count(self) -> int:
        """How many dependencies are written down."""
        return sum(len(task.needs) for task in self.tasks)

    def needs(self) -> dict[str, tuple[str, ...]]:
        """Return what each named task needs besides itself; of tasks with one name, the first counts."""
        found: dict[str, tuple[str, ...]] = {}
        for task in self.tasks:
            if task.name is not None and task.name not in found:
                found[task.name] = tuple(dict.fromkeys(name for _, name in task.needs if name != task.name))
        return found


def outline_of(raw: Any) -> Outline:
    """Return the outline of a workflow as it was written."""
    top = raw if isinstance(raw, dict) else {}
    params, tasks = top.get("params"), top.get("tasks")
    name, max_parallel = top.get("name"), top.get("max_parallel")
    return Outline(
        name=name if isinstance(name, str) else None,
        max_parallel=max_parallel if type(max_parallel) is int else None,
        params=frozenset(params if isinstance(params, dict) else ()),
        tasks=tuple(
            _task(task, ("tasks", index))
            for index, task in enumerate(tasks if isinstance(tasks, list) else ())
            if isinstance(task, dict)
        ),
    )


def _task(raw: dict[str, Any], path: Path) -> TaskOutline:
    name, run, needs, workflow = (raw.get(key) for key in ("name", "run", "needs", "workflow"))
    arguments = raw.get("with", {})
    return TaskOutline(
        path=path,
        name=normalize("NFC", name) if isinstance(name, str) else None,
        run=run if isinstance(run, str) and run else None,
        needs=tuple(
            ((*path, "needs", index), normalize("NFC", need))
            for index, need in enumerate(needs if isinstance(needs, list) else ())
            if isinstance(need, str)
        ),
        arguments=arguments if isinstance(arguments, dict) else None,
        is_readable=not has_unreadable(arguments),
        workflow=workflow if isinstance(workflow, str) else None,
        when=raw.get("when"),
        for_each=raw.get("for_each"),
        join=raw.get("join"),
        compensate=_compensate(raw.get("compensate")),
        is_continuous=raw.get("mode") == "continuous",
        given=frozenset(key for key, value in raw.items() if value is not None),
    )


def _compensate(raw: Any) -> CompensateOutline | None:
    if not isinstance(raw, dict):
        return None
    run, arguments = raw.get("run"), raw.get("with", {})
    return CompensateOutline(
        run=run if isinstance(run, str) and run else None,
        arguments=arguments if isinstance(arguments, dict) else None,
        is_readable=not has_unreadable(arguments),
    )
