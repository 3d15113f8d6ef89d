"""What goes out together: the frontier, cut into lines and dependency groups.

Pure. The rows near the frontier go in, canvases come out; who publishes them,
and whether they arrive, is not known here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile


@dataclass(frozen=True, kw_only=True)
class Node:
    """A task near the frontier: pending, and planned into no canvas yet."""

    task_id: int
    stage: int
    stage_position: int
    meets: int | None
    fan_in: int
    requirement: str = ""
    """The name of the set of what it requires of its worker."""


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """What travels under one dispatch.

    One line alone is a chain (or a single task). Several lines with a ``body``
    are a chord: the body starts when all of them are done. A line is a sequence
    of task ids, each the only follower of the one before.
    """

    lines: tuple[tuple[int, ...], ...]
    body: tuple[int, ...] = ()
    requirement: str = ""
    """What all its tasks require of their workers."""
    project: int | None = None
    """The project whose queues it goes to; None: those that all projects share."""
    is_express: bool = False
    """Whether its messages overtake others: they are within their project's share."""

    @property
    def heads(self) -> tuple[int, ...]:
        """The tasks that are published at once: one message for each."""
        return tuple(line[0] for line in self.lines)

    @property
    def planned(self) -> tuple[int, ...]:
        """The tasks that follow inside the canvas."""
        return (*(task for line in self.lines for task in line[1:]), *self.body)


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """One publication of a canvas; its id is the fence of every task that travels in it."""

    id: str
    canvas: Canvas


@dataclass(frozen=True, kw_only=True)
class _Line:
    nodes: tuple[Node, ...]
    is_whole: bool

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(node.task_id for node in self.nodes)


def plan_canvases(
    *, heads: Sequence[Node], near: Iterable[Node], room: int, piece: int, chords: bool = True
) -> list[Canvas]:
    """Return the canvases to publish for the ready tasks ``heads``, most urgent first.

    The heads require the same of their workers, and so does all that travels with them.
    ``near`` holds the pending tasks of the heads' stages and of the stages they
    meet in, up to ``piece`` places after a head. ``room`` is the number of
    messages the publish window has left: a dependency group goes out as a chord
    only when all of it fits, and what does not fit stays behind. ``piece`` is the
    largest number of tasks in a line.
    """
    requirement = heads[0].requirement if heads else ""
    stages = _by_stage(near)
    lines = {head.task_id: _line(head, stages.get(head.stage, ()), piece) for head in heads}
    groups = _groups(heads, lines, stages) if chords else {}
    canvases: list[Canvas] = []
    sent: set[int] = set()
    for head in heads:
        if head.task_id in sent:
            continue
        group = groups.get(head.meets) if head.meets is not None else None
        members = group if group and head.task_id in group and len(group) <= room else (head.task_id,)
        if len(members) > room:
            break
        body = _body(head, stages, piece) if members is group else ()
        canvases.append(
            Canvas(lines=tuple(lines[member].ids for member in members), body=body, requirement=requirement)
        )
        sent.update(members)
        room -= len(members)
    return canvases


def _by_stage(nodes: Iterable[Node]) -> dict[int, list[Node]]:
    stages: dict[int, list[Node]] = {}
    for node in sorted(nodes, key=lambda node: (node.stage, node.stage_position)):
        stages.setdefault(node.stage, []).append(node)
    return stages


def _line(head: Node, stage: Sequence[Node], piece: int) -> _Line:
    following = [node for node in stage if node.stage_position > head.stage_position]
    unbroken = takewhile(
        lambda pair: pair[1].stage_position == head.stage_position + 1 + pair[0], enumerate(following)
    )
    nodes = (head, *(node for _, node in unbroken))
    alike = tuple(takewhile(lambda node: node.requirement == head.requirement, nodes))
    return _Line(nodes=alike[:piece], is_whole=len(alike) == len(nodes) < piece)


def _groups(
    heads: Sequence[Node], lines: Mapping[int, _Line], stages: Mapping[int, Sequence[Node]]
) -> dict[int, tuple[int, ...]]:
    """Return, for each join that the frontier alone feeds, the heads of the lines that meet in it."""
    meeting: dict[int, list[int]] = {}
    for head in heads:
        if head.meets is not None and lines[head.task_id].is_whole:
            meeting.setdefault(head.meets, []).append(head.task_id)
    return {
        join: tuple(members)
        for join, members in meeting.items()
        if len(members) > 1
        and (start := _start(stages.get(join, ())))
        and start.fan_in == len(members)
        and start.requirement == heads[0].requirement
    }


def _start(stage: Sequence[Node]) -> Node | None:
    return stage[0] if stage and stage[0].stage_position == 0 else None


def _body(head: Node, stages: Mapping[int, Sequence[Node]], piece: int) -> tuple[int, ...]:
    stage = stages[head.meets] if head.meets is not None else ()
    return _line(stage[0], stage, piece).ids
