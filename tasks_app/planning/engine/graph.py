"""Walks over a graph given as ``needs``: each task's name and the names it needs.

Nothing here recurses, so a line of ten thousand tasks is no different from ten.
Needs that name no task of the graph are ignored; validation reports them.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

Needs: TypeAlias = Mapping[str, Collection[str]]


def successors_of(needs: Needs) -> dict[str, list[str]]:
    """Return, for each task, the tasks that need it, in the order of ``needs``."""
    successors: dict[str, list[str]] = {name: [] for name in needs}
    for name, wanted in needs.items():
        for dependency in dict.fromkeys(wanted):
            if dependency in successors:
                successors[dependency].append(name)
    return successors


def topological_order(needs: Needs) -> list[str]:
    """Return the tasks so that each comes after all it needs, else in the order of ``needs``.

    Tasks on a cycle or behind one have no place and are left out.
    """
    successors = successors_of(needs)
    missing = {name: sum(1 for need in set(wanted) if need in needs) for name, wanted in needs.items()}
    ready = deque(name for name, count in missing.items() if count == 0)
    order = []
    while ready:
        name = ready.popleft()
        order.append(name)
        for successor in successors[name]:
            missing[successor] -= 1
            if missing[successor] == 0:
                ready.append(successor)
    return order


def remaining_path_lengths(needs: Needs, *, own: Mapping[str, int] | None = None) -> dict[str, int]:
    """Return, for each task, the length of the longest line from it to an end.

    ``own`` is how much each task adds, by name; without it each counts 1. The
    task itself counts. The graph must be free of cycles.
    """
    successors = successors_of(needs)
    lengths: dict[str, int] = {}
    for name in reversed(topological_order(needs)):
        ahead = max((lengths[successor] for successor in successors[name]), default=0)
        lengths[name] = (1 if own is None else own[name]) + ahead
    return lengths


def descendants(needs: Needs, starts: Iterable[str]) -> set[str]:
    """Return every task that needs one of ``starts``, directly or through others."""
    return _reachable(successors_of(needs), starts)


def ancestors(needs: Needs, starts: Iterable[str]) -> set[str]:
    """Return every task that one of ``starts`` needs, directly or through others."""
    return _reachable(needs, starts)


def ancestor_bits(needs: Needs) -> tuple[dict[str, int], dict[str, int]]:
    """Return each task's bit, and for each task the union of its ancestors' bits.

    One pass for the whole graph, where a walk per task would cost the square of
    its size. Tasks on a cycle or behind one are missing from the second answer.
    """
    bits = {name: 1 << index for index, name in enumerate(needs)}
    above: dict[str, int] = {}
    for name in topological_order(needs):
        union = 0
        for need in needs[name]:
            if need in bits:
                union |= bits[need] | above[need]
        above[name] = union
    return bits, above


def find_cycles(names: Iterable[str], needs: Needs) -> list[list[str]]:
    """Return one cycle for each knot of tasks that need one another.

    Each is a list in which every task needs the next and the last needs the first;
    a task that needs itself is a list of one. A knot with several cycles gives the
    shortest through its first task; when that is cut, a next check shows the next.
    """
    position = {name: index for index, name in enumerate(names)}
    cycles = []
    for knot in _knots(position, needs):
        first = min(knot, key=position.__getitem__)
        if len(knot) > 1:
            cycles.append(_shortest_cycle(first, set(knot), needs))
        elif first in needs.get(first, ()):
            cycles.append([first])
    return sorted(cycles, key=lambda cycle: position[cycle[0]])


def _reachable(edges: Mapping[str, Iterable[str]], starts: Iterable[str]) -> set[str]:
    found: set[str] = set()
    pending = list(starts)
    while pending:
        for neighbour in edges.get(pending.pop(), ()):
            if neighbour not in found and neighbour in edges:
                found.add(neighbour)
                pending.append(neighbour)
    return found


def _knots(names: Mapping[str, int], needs: Needs) -> list[list[str]]:
    """Return the strongly connected components (Kosaraju: finish order, then backwards)."""
    finished = _finish_order(names, needs)
    successors = successors_of({name: needs.get(name, ()) for name in names})
    knots = []
    taken: set[str] = set()
    for root in reversed(finished):
        if root in taken:
            continue
        taken.add(root)
        knot, pending = [root], [root]
        while pending:
            for neighbour in successors[pending.pop()]:
                if neighbour not in taken:
                    taken.add(neighbour)
                    knot.append(neighbour)
                    pending.append(neighbour)
        knots.append(knot)
    return knots


def _finish_order(names: Mapping[str, int], needs: Needs) -> list[str]:
    finished: list[str] = []
    seen: set[str] = set()
    for root in names:
        if root in seen:
            continue
        seen.add(root)
        open_walks = [(root, iter(needs.get(root, ())))]
        while open_walks:
            name, rest = open_walks[-1]
            following = next((need for need in rest if need in names and need not in seen), None)
            if following is None:
                finished.append(name)
                open_walks.pop()
            else:
                seen.add(following)
                open_walks.append((following, iter(needs.get(following, ()))))
    return finished


def _shortest_cycle(start: str, knot: set[str], needs: Needs) -> list[str]:
    came_from: dict[str, str] = {}
    pending = deque([start])
    while pending:
        name = pending.popleft()
        for need in needs.get(name, ()):
            if need == start and name != start:
                return _way_back(name, came_from)
            if need in knot and need != start and need not in came_from:
                came_from[need] = name
                pending.append(need)
    raise AssertionError("a knot always closes")


def _way_back(last: str, came_from: Mapping[str, str]) -> list[str]:
    cycle = [last]
    while cycle[-1] in came_from:
        cycle.append(came_from[cycle[-1]])
    return cycle[::-1]
