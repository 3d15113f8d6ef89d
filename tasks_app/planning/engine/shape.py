"""The shape of the graph around each task, worked out once when an instance is submitted.

A *stage* is a straight line: each task in it is the only follower of the one
before, which is its only dependency. Two stages *meet* in a join when their last
tasks have the join as their only follower. With these facts stored on the rows,
planning a frontier reads a handful of rows and never the whole graph.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tasks_app.planning.engine.graph import remaining_path_lengths

MAX_RANK: Final = 2**31 - 1
"""What the column holds: some 24 days in milliseconds."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Where a task stands in its graph; the fields are those of the task's row."""

    stage: int
    stage_position: int
    meets: int | None
    fan_in: int
    fan_out: int
    rank: int


def shapes(
    needs: Mapping[str, Sequence[str]],
    *,
    early: Collection[str] = (),
    apart: Collection[str] = (),
    milliseconds: Mapping[str, int] | None = None,
) -> dict[str, Shape]:
    """Return the shape around each task of an acyclic graph.

    ``needs`` maps every task to its distinct dependencies. ``early`` are the
    tasks that may start before all of these have completed: no lines meet in
    them, since what waits for all would start them too late or not at all. ``apart``
    are those of which even a line's next task may not be made: they start while the
    task before them still runs. ``milliseconds`` is how long each task is expected
    to take (None: all the same); ``rank`` is the sum of these on the longest path.
    """
    followers: dict[str, list[str]] = {name: [] for name in needs}
    for name, needed in needs.items():
        for each in needed:
            followers[each].append(name)
    lines = _lines(needs, followers, apart)
    stage_of = {name: number for number, line in enumerate(lines) for name in line}
    rank = remaining_path_lengths(needs, own=milliseconds)
    result = {}
    for number, line in enumerate(lines):
        after = followers[line[-1]]
        meets = (
            stage_of[after[0]]
            if len(after) == 1 and after[0] not in early and after[0] not in apart
            else None
        )
        for place, name in enumerate(line):
            result[name] = Shape(
                stage=number,
                stage_position=place,
                meets=meets,
                fan_in=len(needs[name]),
                fan_out=len(followers[name]),
                rank=min(rank[name], MAX_RANK),
            )
    return result


def _lines(
    needs: Mapping[str, Sequence[str]], followers: Mapping[str, Sequence[str]], apart: Collection[str]
) -> list[list[str]]:
    def continues(name: str) -> bool:
        return name not in apart and len(needs[name]) == 1 and len(followers[needs[name][0]]) == 1

    lines = []
    for name in needs:
        if continues(name):
            continue
        line = [name]
        while len(followers[line[-1]]) == 1 and continues(followers[line[-1]][0]):
            line.append(followers[line[-1]][0])
        lines.append(line)
    return lines
