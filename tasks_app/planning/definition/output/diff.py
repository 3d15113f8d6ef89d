"""What is different between two versions of a workflow."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tasks_app.outcomes import JSON
from tasks_app.planning.definition.output.written import own_definition
from tasks_app.planning.definition.spec import WorkflowSpec
from tasks_app.planning.source.problems import Path, format_path


@dataclass(frozen=True, kw_only=True)
class Change:
    """One difference: where it is, and what stood there before and after.

    ``path`` names a task by its name: ``tasks.extract.with.limit``. What was not
    there, or had its default, is None.
    """

    kind: Literal["added", "removed", "changed"]
    path: str
    before: JSON
    after: JSON


def diff_definitions(a: WorkflowSpec, b: WorkflowSpec) -> list[Change]:
    """Return what has to change in ``a`` to make it ``b``: first the workflow's own keys, then its tasks.

    Tasks are compared by name, so a task with a new name is one removed and one
    added. Keys come in the order of ``a``, new ones last; lists are compared whole.
    A timeout that a task has from the workflow's defaults is reported there only.
    """
    before, after = own_definition(a), own_definition(b)
    tasks_before = {task["name"]: task for task in before.pop("tasks")}
    tasks_after = {task["name"]: task for task in after.pop("tasks")}
    changes = [*_between(before, after, ()), *_between(tasks_before, tasks_after, ("tasks",))]
    kept_before = [name for name in tasks_before if name in tasks_after]
    kept_after = [name for name in tasks_after if name in tasks_before]
    if kept_before != kept_after:
        changes.append(Change(kind="changed", path="tasks", before=kept_before, after=kept_after))
    return changes


def diff_values(a: JSON, b: JSON) -> Iterator[Change]:
    """Yield what is different between two values; of mappings key by key, under ``output``."""
    yield from _between({"output": a}, {"output": b}, ())


def _between(before: dict[str, JSON], after: dict[str, JSON], path: Path) -> Iterator[Change]:
    for key in dict.fromkeys([*before, *after]):
        where = (*path, key)
        if key not in after:
            yield Change(kind="removed", path=format_path(where), before=before[key], after=None)
        elif key not in before:
            yield Change(kind="added", path=format_path(where), before=None, after=after[key])
        elif isinstance(before[key], dict) and isinstance(after[key], dict):
            yield from _between(before[key], after[key], where)
        elif not _same(before[key], after[key]):
            yield Change(kind="changed", path=format_path(where), before=before[key], after=after[key])


def _same(one: JSON, other: JSON) -> bool:
    """Return whether two values are one in JSON, where true is not 1."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
