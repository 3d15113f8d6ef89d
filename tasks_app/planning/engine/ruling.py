"""What can no longer start: tasks whose dependencies cannot give them what their join asks for. Pure."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tasks_app.states import JoinMode


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a task stands: ``satisfies`` is None while it is unfinished."""

    satisfies: bool | None
    may_be_skipped: bool
    join: JoinMode
    join_count: int | None


def ruled_out(
    *, tasks: Mapping[int, Standing], needs: Mapping[int, Sequence[int]], culprits: Iterable[int]
) -> dict[int, int]:
    """Return the tasks that can no longer start, each with the culprit among ``culprits`` it owes that to.

    What needs a task ruled out may be ruled out in turn; the culprit stays the first one.
    """
    followers = _followers(needs)
    satisfies = {key: standing.satisfies for key, standing in tasks.items()}
    blamed: dict[int, int] = {}
    spreading = deque((culprit, culprit) for culprit in culprits)
    while spreading:
        source, culprit = spreading.popleft()
        for task in followers.get(source, ()):
            if task in blamed or not tasks[task].may_be_skipped:
                continue
            if not _can_still_start(tasks[task], [satisfies[each] for each in needs[task]]):
                blamed[task] = culprit
                satisfies[task] = False
                spreading.append((task, culprit))
    return blamed


def stopped(
    *, tasks: Mapping[int, Standing], needs: Mapping[int, Sequence[int]], culprits: Iterable[int]
) -> set[int]:
    """Return what an instance does not start when it stops for ``culprits``.

    Spared are tasks that depend on a culprit and can do without it: their ``join``
    says that they are meant for that case. What cannot start any more because of
    what is stopped is stopped with it. ``tasks`` that may be skipped are those
    that have not started.
    """
    spared = _downstream(needs, culprits)
    stopping = {key for key, task in tasks.items() if task.may_be_skipped and key not in spared}
    left = {
        key: replace(task, satisfies=False, may_be_skipped=False) if key in stopping else task
        for key, task in tasks.items()
    }
    return stopping | ruled_out(tasks=left, needs=needs, culprits=stopping).keys()


def _downstream(needs: Mapping[int, Sequence[int]], starts: Iterable[int]) -> set[int]:
    followers = _followers(needs)
    found: set[int] = set()
    left = list(starts)
    while left:
        for task in followers.get(left.pop(), ()):
            if task not in found:
                found.add(task)
                left.append(task)
    return found


def _followers(needs: Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
    followers: dict[int, list[int]] = {}
    for task, needed in needs.items():
        for each in needed:
            followers.setdefault(each, []).append(task)
    return followers


def _can_still_start(task: Standing, needed: Sequence[bool | None]) -> bool:
    hopeful = sum(each is not False for each in needed)
    match task.join:
        case JoinMode.ALL:
            return hopeful == len(needed)
        case JoinMode.ANY:
            return hopeful >= 1
        case JoinMode.AT_LEAST:
            return hopeful >= (task.join_count or 1)
        case JoinMode.ALL_DONE:
            return True
