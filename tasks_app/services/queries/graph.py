"""An instance as a graph: what a page needs to draw it."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count

from tasks_app.models import Dependency, Instance, Task
from tasks_app.services.queries.values import progress_of
from tasks_app.services.queries.views.instances import ProgressView
from tasks_app.status_words import standing

_COLUMNS: Final = (
    *("name", "executor", "status", "attempts", "worker", "progress", "progress_message"),
    *("wait_kind", "reason", "error_kind", "error_message", "published_at", "started_at", "finished_at"),
    *("satisfies", "compensates"),
)


@dataclass(frozen=True, kw_only=True)
class Node:
    """A task in the graph; ``items`` counts those of its list."""

    task: Task
    level: int
    items: ProgressView | None


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Nodes, and edges from one name to another."""

    nodes: Sequence[Node]
    edges: Sequence[tuple[str, str]]


def instance_graph(instance: Instance) -> Graph:
    """Return the nodes and edges of an instance, with their states and times.

    A node's ``level`` is how many tasks lie before it on the longest way from a start.
    The items of a list are counted in its node. What undoes a task is a node of its own,
    whose edge leads from that task. Edges to tasks of other instances are left out.
    """
    own = Task.objects.filter(instance=instance, parent__isnull=True)
    tasks = list(own.only(*_COLUMNS).order_by("position", "pk"))
    name_of = {task.pk: task.name for task in tasks}
    edges = [
        (needed, follower)
        for follower, needed in Dependency.objects.filter(task__instance=instance, task__parent__isnull=True)
        .order_by("pk")
        .values_list("task_id", "needed_id")
        if needed in name_of
    ]
    edges += [(task.compensates_id, task.pk) for task in tasks if task.compensates_id in name_of]
    level_of = _levels([task.pk for task in tasks], edges)
    items = _items(instance)
    return Graph(
        nodes=[Node(task=task, level=level_of[task.pk], items=items.get(task.pk)) for task in tasks],
        edges=[(name_of[needed], name_of[follower]) for needed, follower in edges],
    )


def _levels(keys: Sequence[int], edges: Sequence[tuple[Any, int]]) -> dict[int, int]:
    followers: dict[int, list[int]] = defaultdict(list)
    open_needs: Counter[int] = Counter()
    for needed, follower in edges:
        followers[needed].append(follower)
        open_needs[follower] += 1
    level_of = dict.fromkeys(keys, 0)
    ready = [key for key in keys if not open_needs[key]]
    while ready:
        key = ready.pop()
        for follower in followers[key]:
            level_of[follower] = max(level_of[follower], level_of[key] + 1)
            open_needs[follower] -= 1
            if not open_needs[follower]:
                ready.append(follower)
    return level_of


def _items(instance: Instance) -> dict[int, ProgressView]:
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    rows = (
        Task.objects.filter(instance=instance, parent__isnull=False)
        .values_list("parent_id", "status", "satisfies")
        .annotate(Count("pk"))
        .order_by()
    )
    for parent, status, satisfies, count in rows:
        state = standing(status=status, satisfies=satisfies)
        counts[parent][state] = counts[parent].get(state, 0) + count
    return {parent: progress_of(states) for parent, states in counts.items()}
