"""Workflows for tests: say what matters and leave the rest to the builder.

Tasks are mappings as they stand in a workflow file; ``a_workflow`` makes the file of them.
Every shape takes ``run`` and arguments for its tasks (``with``), and calls ``noop`` by default.
"""

import random
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

Task = dict[str, Any]


def a_workflow(*tasks: Task, name: str = "a-workflow", **more: Any) -> str:
    """Return the YAML of a workflow with these tasks; ``more`` adds keys (``params``, ``defaults`` …)."""
    return yaml.safe_dump(
        {"name": name, **more, "tasks": list(tasks)},
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
    )


def a_task(
    name: str = "a-task",
    *,
    run: str = "noop",
    needs: Iterable[str] = (),
    also: Mapping[str, Any] | None = None,
    **arguments: Any,
) -> Task:
    """Return one task. ``arguments`` become its ``with``; ``also`` adds keys such as ``timeout``."""
    task: Task = {"name": name, "run": run}
    if needs:
        task["needs"] = list(needs)
    if arguments:
        task["with"] = arguments
    return {**task, **(also or {})}


def a_chain(length: int, *, prefix: str = "link", run: str = "noop", **arguments: Any) -> list[Task]:
    """Return ``length`` tasks, each needing the one before."""
    names = [f"{prefix}-{number}" for number in range(length)]
    return [
        a_task(name, run=run, needs=names[place - 1 : place] if place else (), **arguments)
        for place, name in enumerate(names)
    ]


def a_fan(width: int, *, prefix: str = "fan", run: str = "noop", **arguments: Any) -> list[Task]:
    """Return one task, ``width`` tasks that need it, and a join that needs all of those."""
    source, join = f"{prefix}-source", f"{prefix}-join"
    blades = [f"{prefix}-{number}" for number in range(width)]
    return [
        a_task(source, run=run, **arguments),
        *(a_task(blade, run=run, needs=[source], **arguments) for blade in blades),
        a_task(join, run=run, needs=blades, **arguments),
    ]


def a_diamond(*, prefix: str = "diamond", run: str = "noop", **arguments: Any) -> list[Task]:
    """Return four tasks: a top, a left and a right that need it, and a bottom that needs both."""
    top, left, right, bottom = (f"{prefix}-{place}" for place in ("top", "left", "right", "bottom"))
    return [
        a_task(top, run=run, **arguments),
        a_task(left, run=run, needs=[top], **arguments),
        a_task(right, run=run, needs=[top], **arguments),
        a_task(bottom, run=run, needs=[left, right], **arguments),
    ]


def diamonds(count: int, *, run: str = "noop", **arguments: Any) -> list[Task]:
    """Return ``count`` diamonds side by side."""
    return [
        task
        for number in range(count)
        for task in a_diamond(prefix=f"diamond-{number}", run=run, **arguments)
    ]


def layers(
    count: int,
    width: int,
    *,
    needs: int = 2,
    seed: int = 0,
    run: str = "noop",
    longest_seconds: float | None = None,
    **arguments: Any,
) -> list[Task]:
    """Return ``count`` layers of ``width`` tasks, each needing ``needs`` random ones of the layer before.

    With ``longest_seconds`` every task naps for a time of its own, up to that long.
    The same seed makes the same tasks.
    """
    chance = random.Random(seed)
    tasks: list[Task] = []
    before: list[str] = []
    for layer in range(count):
        names = [f"layer-{layer}-{place}" for place in range(width)]
        for name in names:
            own = dict(arguments)
            if longest_seconds is not None:
                own["seconds"] = round(chance.uniform(0, longest_seconds), 4)
            wanted = sorted(chance.sample(before, min(needs, len(before))))
            tasks.append(a_task(name, run="nap" if longest_seconds is not None else run, needs=wanted, **own))
        before = names
    return tasks
