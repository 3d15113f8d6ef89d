"""What holds a task that has all it needs: limits, workers, its project's share, its place."""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Final

from tasks_app.models import Task
from tasks_app.planning.engine.shares import share_of
from tasks_app.services.explain.holds import Hold, HoldKind
from tasks_app.services.explain.snapshot import READ_BACKLOG, WaitSnapshot
from tasks_app.services.http_workers.gates_for_http import is_judged_on_claim
from tasks_app.services.http_workers.offers import is_lent
from tasks_app.services.lookup.fleet import connected_fleet
from tasks_app.services.lookup.http_workers import has_http_worker
from tasks_app.services.publishing.limits import LimitKind, limits_on
from tasks_app.states import EXTERNAL, Gate, TaskState

KEPT_FOR_OTHERS: Final = (
    "the living workers that could take it are kept for other projects (CPDS_WORKER_PROJECTS)"
)
SHOWN_LACKS: Final = 5
AWAITED: Final = "it waits for a worker that speaks HTTP"

_LIMITS: Final[dict[LimitKind, tuple[HoldKind, str]]] = {
    LimitKind.INSTANCE: (HoldKind.MAX_PARALLEL, "of its instance"),
    LimitKind.WORKFLOW: (HoldKind.WORKFLOW_LIMIT, "of its workflow"),
    LimitKind.PROJECT: (HoldKind.PROJECT_LIMIT, "of its project"),
    LimitKind.CAPABILITY: (HoldKind.CAPABILITY_LIMIT, "that require {}"),
}
"""What holds a task at each limit, and whose tasks were counted."""


def holds_of_ready(*, task: Task, snapshot: WaitSnapshot) -> Iterator[Hold]:
    """Yield what holds a task that is ready and not out: limits, hands, its project's share, its place."""
    yield from _limits(task, snapshot)
    if task.executor == EXTERNAL and task.gate == Gate.OPEN:
        sentence = f"{AWAITED}{_lacking_over_http(task, snapshot)}"
        yield Hold(kind=HoldKind.EXTERNAL, sentence=sentence, since=task.ready_at)
        return
    yield from lacking_workers(task=task, snapshot=snapshot)
    yield from _share(task, snapshot)
    ahead = snapshot.places.get(task.pk, READ_BACKLOG)
    number = f"{ahead:,}" if task.pk in snapshot.places else f"more than {ahead:,}"
    yield Hold(
        kind=HoldKind.BACKLOG,
        sentence=f"it is ready at priority {task.priority}; {number} of its project come before it",
        since=task.ready_at,
    )


def _limits(task: Task, snapshot: WaitSnapshot) -> Iterator[Hold]:
    found = limits_on(
        instance=task.instance,
        requirement=task.requirement,
        workflow_most=snapshot.most_of_workflow.get(task.instance.workflow_id or 0),
        project_most=snapshot.most_of_project.get(task.project_id),
        out=snapshot.out,
    )
    for limit in found:
        if limit.left == 0:
            kind, whose = _LIMITS[limit.kind]
            yield Hold(
                kind=kind,
                sentence=f"{limit.out} tasks {whose.format(limit.name)} are on their way; "
                f"{limit.most} may be at once",
                since=task.ready_at,
            )


def _share(task: Task, snapshot: WaitSnapshot) -> Iterator[Hold]:
    look = snapshot.look
    standings = look.standings(task.requirement)
    own = next((each for each in standings if each.project == task.project_id), None)
    slots = look.slots(task.requirement)
    if own is None or len(standings) < 2 or not slots:
        return
    share = share_of(task.project_id, standings, slots=slots)
    if own.out >= share:
        weights = sum(each.weight for each in standings)
        yield Hold(
            kind=HoldKind.SHARE,
            sentence=f"its project has {own.out} tasks out, and {share:.3g} of {slots} slots are its share "
            f"beside the others that have work (weight {own.weight} of {weights})",
            since=task.ready_at,
        )


def lacking_workers(*, task: Task, snapshot: WaitSnapshot) -> Iterator[Hold]:
    """Yield what is missing of workers that could take a task now."""
    since = task.published_at if task.status == TaskState.QUEUED else task.ready_at
    slots = snapshot.look.slots(task.requirement, project=task.project_id)
    helpers = snapshot.http_workers.get(task.project_id, ()) if is_lent(task) else ()
    if slots == 0 and is_judged_on_claim(task):
        yield Hold(kind=HoldKind.NO_WORKER, sentence=_undecided(task), since=since)
    elif slots == 0 and any(map(frozenset(task.requires).issubset, helpers)):
        yield Hold(kind=HoldKind.EXTERNAL, sentence=f"{AWAITED}; no other may take it", since=since)
    elif slots == 0:
        able = bool(snapshot.look.slots(task.requirement))
        sentence = KEPT_FOR_OTHERS if able else nobody_can(requires=task.requires, helpers=helpers)
        yield Hold(kind=HoldKind.NO_WORKER, sentence=sentence, since=since)
    elif not snapshot.look.free_slots(task.requirement, project=task.project_id):
        whose = (
            f"the living workers that have {_words(task.requires)}" if task.requires else "the living workers"
        )
        yield Hold(kind=HoldKind.SLOT, sentence=f"all {slots} slots of {whose} are taken", since=since)


def _undecided(task: Task) -> str:
    """Return the sentence for a task whose gate only its next asker over HTTP judges."""
    what = f"its gate ({task.gate}) is judged when a worker of its project that speaks HTTP asks for work"
    nobody = "" if has_http_worker(task.project_id) else ", and none is online"
    return f"{what}{nobody}; no other worker that is alive may take it"


def nobody_can(*, requires: Collection[str], helpers: Collection[frozenset[str]] = ()) -> str:
    """Return the sentence that says that no living worker is there to perform a task, and what they lack.

    ``helpers``: the capabilities of those that speak HTTP, where such workers may take it.
    """
    able = [*(live_worker.capabilities for live_worker in connected_fleet().live_workers()), *helpers]
    if not requires or not able:
        return f"no worker is alive that could have {_words(requires)}" if requires else "no worker is alive"
    return _lacks(requires, able)


def _lacking_over_http(task: Task, snapshot: WaitSnapshot) -> str:
    """Return what is missing of workers that speak HTTP, to go on with; nothing when one could take it."""
    helpers = snapshot.http_workers.get(task.project_id, ())
    if not helpers:
        return f", and none is online{f' that could have {_words(task.requires)}' if task.requires else ''}"
    is_able = any(map(frozenset(task.requires).issubset, helpers))
    return "" if is_able else f": {_lacks(task.requires, helpers)}"


def _lacks(requires: Collection[str], able: Collection[frozenset[str]]) -> str:
    lacking = Counter(_words(set(requires) - each) for each in able)
    lacks = [
        f"{count} {'worker lacks' if count == 1 else 'workers lack'} {words}"
        for words, count in sorted(lacking.items(), key=lambda each: (-each[1], each[0]))
    ]
    return f"no live worker has {_words(requires)}; {'; '.join(lacks[:SHOWN_LACKS])}"


def _words(capabilities: Collection[str]) -> str:
    return ", ".join(sorted(capabilities))
