"""An instance as a graph: what a page needs to draw it."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db.models import Count

from tasks_app.models import Dependency, Instance, Task
from tasks_app.services.queries.values import JSONObject, moment, progress_of, standing

_COLUMNS: Final = (
    *("name", "executor", "status", "attempts", "worker", "progress", "progress_message"),
    *("wait_kind", "reason", "error_kind", "error_message", "published_at", "started_at", "finished_at"),
    *("satisfies", "compensates"),
)


def instance_graph(*, instance: Instance) -> JSONObject:
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
    return {
        "nodes": [_node(task, level_of[task.pk], items.get(task.pk)) for task in tasks],
        "edges": [{"from": name_of[needed], "to": name_of[follower]} for needed, follower in edges],
    }


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


def _items(instance: Instance) -> dict[int, dict[str, int]]:
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
    return {parent: progress_of(counts=states) for parent, states in counts.items()}


def _node(task: Task, level: int, items: Mapping[str, int] | None) -> JSONObject:
    return {
        "id": str(task.pk),
        "name": task.name,
        "executor": task.executor,
        "level": level,
        "state": task.status,
        "satisfies": task.satisfies,
        "wait_kind": task.wait_kind or None,
        "reason": task.reason or None,
        "attempts": task.attempts,
        "worker": task.worker or None,
        "progress": task.progress,
        "progress_message": task.progress_message or None,
        "error_kind": task.error_kind or None,
        "error_message": task.error_message or None,
        "queued_at": moment(at=task.published_at),
        "started_at": moment(at=task.started_at),
        "finished_at": moment(at=task.finished_at),
        "duration_ms": task.duration_ms,
        "items": items and dict(items),
        "undoes": task.compensates_id and str(task.compensates_id),
    }
