"""What must become of a random graph: a small model of the rules, which knows nothing of the engine.

A failure is *open* when it was not allowed. Without one, the policy plays no
part and every end is certain. With one, ``continue`` is as certain; under
``stop`` and ``compensate`` it depends on what had started, and the model says
what each end may be, given the ends of what a task needs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

QUARANTINE = 3
"""So many lost workers, and a task is not started again."""
COMPLETE, FAIL, FATAL, LOSE = "complete", "fail", "fatal", "lose"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A task: what it is told in the file, and what each of its attempts does (afterwards they complete)."""

    name: str
    needs: Sequence[str] = ()
    join: str | int = "all"
    """``all``, ``any``, ``all_done``, or how many at least."""
    when: bool | None = None
    allow_failure: bool = False
    retries: int = 0
    undoable: bool = False
    acts: Sequence[str] = ()
    items: Sequence[Sequence[str]] | None = None
    """The acts of each item of a list."""
    most_items: int | None = None


@dataclass(kw_only=True)
class Course:
    """How attempts go on, one after the other, until the task ends."""

    plan: Plan
    acts: list[str]
    failures: int = 0
    losses: int = 0
    attempts: int = 0
    end: str | None = field(default=None)

    def next(self) -> str:
        """Return what the next attempt does."""
        assert self.end is None, "an attempt after the last"
        act = self.acts.pop(0) if self.acts else COMPLETE
        self.attempts += 1
        self.failures += act == FAIL
        self.losses += act == LOSE
        if act == COMPLETE:
            self.end = "completed"
        elif act == FATAL or self.failures > self.plan.retries or self.losses >= QUARANTINE:
            self.end = "failed"
        return act


def course_end(plan: Plan, acts: Sequence[str]) -> tuple[str, int]:
    """Return how a task ends that is tried as often as it may be, and after how many attempts."""
    course = Course(plan=plan, acts=list(acts))
    while course.end is None:
        course.next()
    return course.end, course.attempts


def unhindered(plan: Plan) -> str:
    """Return how a task ends once it has what it needs, and nobody stops it."""
    if plan.when is False:
        return "not needed"
    if plan.items is None:
        return course_end(plan, plan.acts)[0]
    ends = [course_end(plan, acts)[0] for acts in plan.items]
    return "failed" if "failed" in ends and not plan.allow_failure else "completed"


def is_good(plan: Plan, end: str) -> bool:
    """Return whether an end satisfies those who need the task."""
    return end in ("completed", "compensated", "not needed") or (end == "failed" and plan.allow_failure)


def joins(plan: Plan, good: int) -> bool:
    """Return whether ``good`` satisfied needs, all being over, let a task start."""
    match plan.join:
        case "all":
            return good == len(plan.needs)
        case "any":
            return good >= 1
        case "all_done":
            return True
        case least:
            return good >= int(least)


def ends_if_continued(plans: Mapping[str, Plan]) -> dict[str, str]:
    """Return how each task ends where nothing but what it needs can keep it from starting."""
    ends: dict[str, str] = {}
    for name, plan in plans.items():
        good = sum(is_good(plans[each], ends[each]) for each in plan.needs)
        ends[name] = unhindered(plan) if joins(plan, good) else "skipped"
    return ends


def open_failures(plans: Mapping[str, Plan], ends: Mapping[str, str]) -> set[str]:
    """Return the tasks that failed and were not allowed to."""
    return {name for name, end in ends.items() if end == "failed" and not plans[name].allow_failure}


def downstream(plans: Mapping[str, Plan], starts: set[str]) -> set[str]:
    """Return what depends on any of ``starts``, directly or not."""
    found: set[str] = set()
    for name, plan in plans.items():
        if any(each in starts or each in found for each in plan.needs):
            found.add(name)
    return found


def faults(plans: Mapping[str, Plan], policy: str, ends: Mapping[str, str], broken: set[str]) -> list[str]:
    """Return what is wrong with these ends. ``broken``: the lists of which an item failed."""
    certain = ends_if_continued(plans)
    has_open = bool(open_failures(plans, certain))
    if policy == "continue" or not has_open:
        return [f"{name} is {ends[name]}, not {end}" for name, end in certain.items() if ends[name] != end]
    found = [
        f"{name} is {ends[name]}; it would be {end}"
        for name, end in certain.items()
        if ends[name] not in (end, "skipped")
        and not (end == "completed" and ends[name] == "compensated" and policy == "compensate")
    ]
    if not open_failures(plans, ends):
        found.append("nothing failed")
    spared = downstream(plans, open_failures(plans, ends) | broken) if policy == "stop" else set()
    for name in spared & {each for each in ends if ends[each] == "skipped"}:
        good = sum(is_good(plans[each], ends[each]) for each in plans[name].needs)
        if joins(plans[name], good) and plans[name].items is None:
            found.append(f"{name} was skipped, and its join was satisfied without what failed")
    return found


def instance_end(plans: Mapping[str, Plan], policy: str, ends: Mapping[str, str], undone: int) -> str:
    """Return how an instance ends in which the tasks ended so, and so many were undone."""
    if not open_failures(plans, ends):
        return "completed"
    return "compensated" if policy == "compensate" and undone else "failed"
