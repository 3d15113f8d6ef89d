"""Why is it waiting? The ordered list of what holds a task or an instance, and until when.

Doors show what this says; nobody else judges. It reads and never writes.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from django.db.models import Q

from tasks_app.models import Instance, Task
from tasks_app.planning.shares import share_of
from tasks_app.services.fleet import connected_fleet
from tasks_app.services.gate_door import is_judged_at_the_door
from tasks_app.services.http_workers import has_http_worker
from tasks_app.services.limits import LimitKind, limits_on
from tasks_app.services.lookup import find_instance
from tasks_app.services.situation import READ_BACKLOG, Need, Situation, read_situation
from tasks_app.states import (
    EXTERNAL,
    INSTANCE_FINAL,
    TASK_FINAL,
    TASK_UNFINISHED,
    Gate,
    InstanceState,
    JoinMode,
    TaskState,
    WaitKind,
)

KEPT_FOR_OTHERS: Final = (
    "the living workers that could take it are kept for other projects (CPDS_WORKER_PROJECTS)"
)
SHOWN_NEEDS: Final = 20
SHOWN_TASKS: Final = 200
SHOWN_LACKS: Final = 5


class HoldKind(StrEnum):
    """What kind of thing holds a task."""

    INSTANCE_OVER = "instance_over"
    MAX_INSTANCES = "max_instances"
    ADMISSION = "admission"
    PAUSE = "pause"
    STOPPING = "stopping"
    COMPENSATION = "compensation"
    RUNNING = "running"
    DEPENDENCY = "dependency"
    PLANNING = "planning"
    RETRY_TIMER = "retry_timer"
    APPROVAL = "approval"
    ITEMS = "items"
    CHILD_WORKFLOW = "child_workflow"
    MESSAGE_OUT = "message_out"
    MAX_PARALLEL = "max_parallel"
    WORKFLOW_LIMIT = "workflow_limit"
    PROJECT_LIMIT = "project_limit"
    CAPABILITY_LIMIT = "capability_limit"
    SHARE = "share"
    EXTERNAL = "external"
    NO_WORKER = "no_worker"
    SLOT = "slot"
    BACKLOG = "backlog"


_LIMITS: Final[dict[LimitKind, tuple[HoldKind, str]]] = {
    LimitKind.INSTANCE: (HoldKind.MAX_PARALLEL, "of its instance"),
    LimitKind.WORKFLOW: (HoldKind.WORKFLOW_LIMIT, "of its workflow"),
    LimitKind.PROJECT: (HoldKind.PROJECT_LIMIT, "of its project"),
    LimitKind.CAPABILITY: (HoldKind.CAPABILITY_LIMIT, "that require {}"),
}
"""What holds a task at each limit, and whose tasks were counted."""


@dataclass(frozen=True, kw_only=True)
class Hold:
    """One thing that holds a task. ``since`` and ``until`` are None where nobody knows."""

    kind: HoldKind
    sentence: str
    since: datetime | None = None
    until: datetime | None = None


def why_waiting(*, task: Task) -> list[Hold]:
    """Return what holds a task, what must give way first coming first; nothing for one that is over.

    Of a task that runs it says who runs it, and since when.
    """
    return why_many(tasks=[task])[task.pk]


def why_many(*, tasks: Sequence[Task]) -> dict[int, list[Hold]]:
    """Return what holds each of these tasks, by key; many cost as many statements as one."""
    open_tasks = [task for task in tasks if task.status not in TASK_FINAL]
    if not open_tasks:
        return {task.pk: [] for task in tasks}
    situation = read_situation(tasks=open_tasks)
    holds = {task.pk: list(_holds(task, situation)) for task in open_tasks}
    return {task.pk: holds.get(task.pk, []) for task in tasks}


def why_instance(
    *, given: str, limit: int = SHOWN_TASKS
) -> tuple[Instance, list[Hold], list[tuple[Task, list[Hold]]]]:
    """Return an instance, what holds it as a whole, and what holds each of its foremost unfinished tasks.

    Foremost are those that do not merely wait for another task; if there are
    none, those that come first in the definition.

    :raises NotFound: when there is no such instance.
    :raises AmbiguousId: when a shortened id fits several.
    """
    instance = find_instance(given=given)
    if instance.status in INSTANCE_FINAL:
        return instance, [], []
    foremost = _foremost(instance, limit)
    holds = why_many(tasks=foremost)
    as_a_whole = list(_holds_of_instance(instance, read_situation(tasks=(), instances=[instance])))
    if not foremost and not as_a_whole:
        as_a_whole = [
            Hold(
                kind=HoldKind.PLANNING, sentence="all its tasks are over; the next sweep brings it to its end"
            )
        ]
    return instance, as_a_whole, [(task, holds[task.pk]) for task in foremost]


def _foremost(instance: Instance, limit: int) -> list[Task]:
    unfinished = (
        Task.objects.filter(instance=instance, status__in=sorted(TASK_UNFINISHED))
        .select_related("instance__version")
        .order_by("position", "pk")
    )
    not_ready = Q(status=TaskState.PENDING, ready_at__isnull=True)
    # What is to be undone waits for the tasks that undo it, and those are told of.
    told = unfinished.exclude(not_ready | Q(status=TaskState.COMPENSATING))
    found = [*told[:limit], *unfinished.filter(not_ready).satisfied()[:limit]]
    found.sort(key=lambda task: (task.position, task.pk))
    return found[:limit] or list(unfinished[:limit])


def _holds(task: Task, situation: Situation) -> Iterator[Hold]:
    if task.status == TaskState.RUNNING:
        yield _running(task)
        return
    if task.compensates_id is None or task.instance.status != InstanceState.COMPENSATING:
        yield from _holds_of_instance(task.instance, situation)
    elif situation.stopping.get(task.instance_id):
        yield Hold(
            kind=HoldKind.STOPPING,
            sentence="an attempt that was told to stop may still run, and nothing is undone beside it",
            until=situation.stopping[task.instance_id],
        )
    match task.status:
        case TaskState.WAITING:
            yield _waiting(task, situation)
        case TaskState.COMPENSATING:
            yield Hold(kind=HoldKind.COMPENSATION, sentence="it completed and waits to be undone in its turn")
        case TaskState.QUEUED:
            yield Hold(
                kind=HoldKind.MESSAGE_OUT,
                sentence="its message is out; the next free worker takes it",
                since=task.published_at,
            )
            yield from _hands(task, situation)
        case _:
            yield from _pending(task, situation)


def _holds_of_instance(instance: Instance, situation: Situation) -> Iterator[Hold]:
    match instance.status:
        case InstanceState.PENDING:
            yield _admission(instance, situation)
        case InstanceState.PAUSED:
            yield _paused(instance, situation)
        case InstanceState.COMPENSATING:
            said = situation.said.get((instance.pk, "instance.compensating"))
            yield Hold(
                kind=HoldKind.COMPENSATION,
                sentence="the instance is being undone, and nothing new starts",
                since=said.at if said else None,
            )
        case InstanceState.RUNNING:
            pass
        case _:
            yield Hold(
                kind=HoldKind.INSTANCE_OVER,
                sentence=f"the instance is {instance.status}: retry it to go on",
                since=instance.finished_at,
            )
    if instance.is_stopping and instance.status not in INSTANCE_FINAL:
        said = situation.said.get((instance.pk, "instance.stopping"))
        yield Hold(
            kind=HoldKind.STOPPING,
            sentence="the instance is being cancelled once its running tasks are over",
            since=said.at if said else None,
        )


def _admission(instance: Instance, situation: Situation) -> Hold:
    most, beside = situation.most.get(instance.pk), situation.beside.get(instance.pk, 0)
    if most is not None and beside >= most:
        return Hold(
            kind=HoldKind.MAX_INSTANCES,
            sentence=f"{beside} instances of its workflow are not over; {most} may be at once",
            since=instance.created_at,
        )
    return Hold(
        kind=HoldKind.ADMISSION,
        sentence="the instance is about to be started by the next sweep, after those that came before it",
        since=instance.created_at,
    )


def _paused(instance: Instance, situation: Situation) -> Hold:
    said = situation.said.get((instance.pk, "instance.paused"))
    by = f" by {said.by}" if said and said.by else ""
    reason = f": {instance.pause_reason}" if instance.pause_reason else ""
    return Hold(
        kind=HoldKind.PAUSE,
        sentence=f"the instance is paused{by}{reason}",
        since=said.at if said else None,
        until=instance.paused_until,
    )


def _running(task: Task) -> Hold:
    limit = task.timeout_seconds
    ends = task.started_at + timedelta(seconds=limit) if task.started_at and limit is not None else None
    return Hold(
        kind=HoldKind.RUNNING,
        sentence=f"{task.worker or 'a worker'} runs it (attempt {task.attempts})",
        since=task.started_at,
        until=ends,
    )


def _waiting(task: Task, situation: Situation) -> Hold:
    kinds: dict[str, tuple[HoldKind, str]] = {
        WaitKind.RETRY: (HoldKind.RETRY_TIMER, "it is tried again later"),
        WaitKind.APPROVAL: (HoldKind.APPROVAL, _approval(task)),
        WaitKind.ITEMS: (HoldKind.ITEMS, _items(task, situation)),
        WaitKind.BATCHES: (HoldKind.ITEMS, "it takes each batch in turn"),
        WaitKind.WORKFLOW: (HoldKind.CHILD_WORKFLOW, "the workflow it started is not over"),
    }
    kind, sentence = kinds.get(task.wait_kind, (HoldKind.RETRY_TIMER, "it waits for its time"))
    return Hold(
        kind=kind,
        sentence=f"{sentence}: {task.reason}" if task.reason else sentence,
        since=situation.waiting_since.get(task.pk),
        until=task.wake_at,
    )


def _items(task: Task, situation: Situation) -> str:
    over, total = situation.items.get(task.pk, (0, 0))
    return f"{over:,} of {total:,} items are over" if total else "its items are not all over"


def _approval(task: Task) -> str:
    asked: Any = task.spec.get("approval") or {}
    people = ", ".join(map(str, asked.get("by") or ()))
    return f"{people or 'somebody'} has to approve it"


def _pending(task: Task, situation: Situation) -> Iterator[Hold]:
    unmet = _unmet(task, situation.needs.get(task.pk, []))
    if unmet:
        yield from unmet
    elif task.dispatch_id is not None:
        yield Hold(
            kind=HoldKind.MESSAGE_OUT,
            sentence="its message follows those of the tasks it needs",
            since=task.published_at,
        )
        yield from _hands(task, situation)
    elif task.ready_at is None:
        if task.instance.status == InstanceState.RUNNING:
            yield Hold(
                kind=HoldKind.PLANNING, sentence="it has all it needs and is planned by the next sweep"
            )
    else:
        yield from _backlog(task, situation)


def _unmet(task: Task, needs: Sequence[Need]) -> list[Hold]:
    open_needs = [need for need in needs if need.satisfies is None]
    good = sum(need.satisfies is True for need in needs)
    match task.join:
        case JoinMode.ALL:
            missing, wanted = [need for need in needs if not need.satisfies], ""
        case JoinMode.ANY:
            missing, wanted = ([] if good else open_needs or list(needs)), "one of those it needs"
        case JoinMode.ALL_DONE:
            missing, wanted = open_needs, ""
        case _:
            least = task.join_count or 1
            missing = [] if good >= least else open_needs or list(needs)
            wanted = f"{least} of those it needs, of which {good} can be counted"
    note = f" (it needs {wanted})" if wanted else ""
    holds = [_dependency(need, note) for need in missing[:SHOWN_NEEDS]]
    if len(missing) > SHOWN_NEEDS:
        more = len(missing) - SHOWN_NEEDS
        holds.append(
            Hold(kind=HoldKind.DEPENDENCY, sentence=f"it needs {more:,} more tasks that are not over")
        )
    return holds


def _dependency(need: Need, note: str) -> Hold:
    return Hold(
        kind=HoldKind.DEPENDENCY,
        sentence=f"it needs {need.name}, which is {need.status}{note}",
        since=need.since,
    )


def _backlog(task: Task, situation: Situation) -> Iterator[Hold]:
    yield from _limits(task, situation)
    if task.executor == EXTERNAL and task.gate == Gate.OPEN:
        yield Hold(
            kind=HoldKind.EXTERNAL, sentence="it waits for a worker that speaks HTTP", since=task.ready_at
        )
        return
    yield from _hands(task, situation)
    yield from _share(task, situation)
    ahead = situation.places.get(task.pk, READ_BACKLOG)
    number = f"{ahead:,}" if task.pk in situation.places else f"more than {ahead:,}"
    yield Hold(
        kind=HoldKind.BACKLOG,
        sentence=f"it is ready at priority {task.priority}; {number} of its project come before it",
        since=task.ready_at,
    )


def _limits(task: Task, situation: Situation) -> Iterator[Hold]:
    found = limits_on(
        instance=task.instance,
        requirement=task.requirement,
        workflow_most=situation.most_of_workflow.get(task.instance.workflow_id or 0),
        project_most=situation.most_of_project.get(task.project_id),
        out=situation.out,
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


def _share(task: Task, situation: Situation) -> Iterator[Hold]:
    look = situation.look
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


def _hands(task: Task, situation: Situation) -> Iterator[Hold]:
    since = task.published_at if task.status == TaskState.QUEUED else task.ready_at
    slots = situation.look.slots(task.requirement, project=task.project_id)
    if slots == 0 and is_judged_at_the_door(task=task):
        yield Hold(kind=HoldKind.NO_WORKER, sentence=_undecided(task), since=since)
    elif slots == 0:
        able = bool(situation.look.slots(task.requirement))
        sentence = KEPT_FOR_OTHERS if able else nobody_can(requires=task.requires)
        yield Hold(kind=HoldKind.NO_WORKER, sentence=sentence, since=since)
    elif not situation.look.free_slots(task.requirement, project=task.project_id):
        whose = (
            f"the living workers that have {_words(task.requires)}" if task.requires else "the living workers"
        )
        yield Hold(kind=HoldKind.SLOT, sentence=f"all {slots} slots of {whose} are taken", since=since)


def _undecided(task: Task) -> str:
    """Return the sentence for a task whose gate only its next asker over HTTP judges."""
    what = f"its gate ({task.gate}) is judged when a worker of its project that speaks HTTP asks for work"
    nobody = "" if has_http_worker(project_id=task.project_id) else ", and none is online"
    return f"{what}{nobody}; no other worker that is alive may take it"


def nobody_can(*, requires: Collection[str]) -> str:
    """Return the sentence that says that no living worker is there to perform a task, and what they lack."""
    hands = connected_fleet().hands()
    if not requires or not hands:
        return f"no worker is alive that could have {_words(requires)}" if requires else "no worker is alive"
    lacking = Counter(_words(set(requires) - hand.capabilities) for hand in hands)
    lacks = [
        f"{count} {'worker lacks' if count == 1 else 'workers lack'} {words}"
        for words, count in sorted(lacking.items(), key=lambda each: (-each[1], each[0]))
    ]
    return f"no live worker has {_words(requires)}; {'; '.join(lacks[:SHOWN_LACKS])}"


def _words(capabilities: Collection[str]) -> str:
    return ", ".join(sorted(capabilities))
